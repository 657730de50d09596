"""The writer: group commit with optimistic decisions.

All that has arrived is decided and appended together: one SELECT, one append. While one batch is
in flight the next one collects, so there is no timer: a lone request waits for nobody, and load
makes batches grow. Nothing is answered before its commit is durable.

Any number of writers, in any number of processes, may extend one log. A batch that was decided on
what has moved meanwhile is decided again under the head's lock, where nothing can move. Refusals
are confirmed there too, so that a retry is not refused what its first attempt is about to win. So
is a decision that broke: it may have met a stream that relies on reference data yet unread.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from ledger.batch import Batch, Failed, Outcome
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Command, Finding
from ledger.facts.codec import decode
from ledger.log.store import Session, Store, StoreUnavailableError, StreamMovedError
from ledger.secrets import require_peppers
from ledger.values.clock import Clock, instant_of, minute_of
from ledger.values.codes import Pepper
from ledger.values.ids import StreamId
from ledger.values.reasons import Refusal

LARGEST_BATCH: Final = 1_000  # facts
CAPACITY: Final = 8_192  # commands that may wait
LANES: Final = 2  # batches that may be in flight at once
WORTH_A_LANE: Final = 16  # waiting commands that start another lane
BULK_PATIENCE: Final = 0.1  # seconds that bulk work lets terminals go before
ANNOUNCE_EVERY: Final = 0.05  # seconds: followers are woken at most this often
RECONNECT_AFTER: Final = 0.2  # seconds

_log = logging.getLogger(__name__)


class WriterError(Exception):
    """The command was not decided, or it is not known whether it was."""


class OverloadedError(WriterError):
    """Too many commands wait. Nothing was done; try again a little later."""


class OutcomeUnknownError(WriterError):
    """The log could not be reached. Retry with the same id until there is an answer."""


class CommandFailedError(WriterError):
    """A defect: this command can't be decided or stored. Nothing of it was appended."""


@dataclass(slots=True)
class Submission:
    """A command that waits for its outcome."""

    command: Command
    future: "asyncio.Future[Outcome]"
    submitted: float  # the loop's time


class Writer:
    """Decides and appends commands. One per event loop; start it, submit, stop it."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        peppers: Mapping[str, Pepper],
        *,
        capacity: int = CAPACITY,
        largest_batch: int = LARGEST_BATCH,
        lanes: int = LANES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._peppers = peppers
        self._capacity = capacity
        self._largest_batch = largest_batch
        self._lanes = lanes
        self._in_flight: set[StreamId] = set()
        self._batches: set[asyncio.Task[None]] = set()
        self._urgent: deque[Submission] = deque()
        self._bulk: deque[Submission] = deque()
        self._bulk_taken = 0.0  # when bulk work had its last turn
        self._arrived = asyncio.Event()
        self._appended = asyncio.Event()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self.reference = Reference()
        self._reference_is_stale = True

    async def start(self) -> None:
        """Load the reference data and begin.

        Raises:
            StoreUnavailableError: the log can't be reached.
            WrongPepperError: the ledger's tickets are not those of our peppers.
        """
        try:
            await self._refresh(self._store)
        except BaseException:
            await self._store.close()
            raise
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._announce())]

    async def stop(self) -> None:
        """Take nothing more, finish what waits, leave."""
        self._stopping = True
        self._arrived.set()
        if self._tasks:
            writing, announcing = self._tasks
            await writing
            announcing.cancel()
            with suppress(asyncio.CancelledError):
                await announcing
        await self._store.close()

    @property
    def waiting(self) -> int:
        """Commands that no batch has taken yet."""
        return len(self._urgent) + len(self._bulk)

    def submit(self, command: Command) -> "asyncio.Future[Outcome]":
        """Queue a command. Its future resolves after the commit.

        The future raises OutcomeUnknownError or CommandFailedError.

        Raises:
            OverloadedError: the queue is full, or the writer is stopping.
        """
        if self._stopping or self.waiting >= self._capacity:
            raise OverloadedError
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        queue = self._bulk if command.may_wait else self._urgent
        queue.append(Submission(command, future, loop.time()))
        self._arrived.set()
        return future

    async def execute(self, command: Command) -> Outcome:
        """Submit a command and wait for its outcome."""
        return await self.submit(command)

    async def _run(self) -> None:
        """Start a batch whenever a lane is free and work waits that is worth it."""
        while not (self._stopping and not self.waiting and not self._batches):
            await self._arrived.wait()
            self._arrived.clear()
            while self._may_start() and (batch := self._take()):
                streams = _streams([each.command for each in batch])
                self._in_flight.update(streams)
                task = asyncio.create_task(self._process(batch))
                self._batches.add(task)
                task.add_done_callback(partial(self._finish, streams))

    def _may_start(self) -> bool:
        if not self._batches:
            return True
        return len(self._batches) < self._lanes and self.waiting >= WORTH_A_LANE

    def _finish(self, streams: Sequence[StreamId], task: "asyncio.Task[None]") -> None:
        self._batches.discard(task)
        self._in_flight.difference_update(streams)
        self._arrived.set()

    def _take(self) -> list[Submission]:
        """What goes into the next batch: terminals first, bulk work one command at a time."""
        if self._bulk_is_due() and self._in_flight.isdisjoint(self._bulk[0].command.streams):
            self._bulk_taken = asyncio.get_running_loop().time()
            return [self._bulk.popleft()]
        batch: list[Submission] = []
        kept: list[Submission] = []  # their streams are in flight: the next batch's
        room = self._largest_batch
        while self._urgent and (
            room == self._largest_batch or self._urgent[0].command.weight <= room
        ):
            each = self._urgent.popleft()
            room -= each.command.weight
            free = not self._in_flight or self._in_flight.isdisjoint(each.command.streams)
            (batch if free else kept).append(each)
        self._urgent.extendleft(reversed(kept))
        return batch

    def _bulk_is_due(self) -> bool:
        """Whether a bulk command waits and no terminal does, or it has let them go for a while."""
        if not self._bulk or not self._urgent:
            return bool(self._bulk)
        waits_since = max(self._bulk[0].submitted, self._bulk_taken)
        return asyncio.get_running_loop().time() - waits_since > BULK_PATIENCE

    async def _process(self, batch: Sequence[Submission]) -> None:
        """Give every submission its outcome, whatever happens."""
        if not batch:
            return
        try:
            await self._settle(batch)
        except StoreUnavailableError as e:
            _log.warning("the log can't be reached: %s", e)
            self._reference_is_stale = True
            for each in batch:
                _fail(each, OutcomeUnknownError())
            await asyncio.sleep(RECONNECT_AFTER)
        except Exception as e:  # noqa: BLE001 (whatever it is, the others go on)
            if len(batch) == 1:
                _log.exception("command %s failed", batch[0].command.command_id)
                _fail(batch[0], CommandFailedError(repr(e)))
                return
            # One poisons the others: halve until it is alone.
            middle = len(batch) // 2
            for half in (batch[:middle], batch[middle:]):
                await self._process([each for each in half if not each.future.done()])

    async def _settle(self, batch: Sequence[Submission]) -> None:
        if self._reference_is_stale:
            await self._refresh(self._store)
        refused = await self._attempt(batch)
        if refused:
            await self._attempt_locked(refused)

    async def _attempt(self, batch: Sequence[Submission]) -> Sequence[Submission]:
        """Decide and append optimistically. Returns those that have to go under the lock."""
        commands = [each.command for each in batch]
        stored = await self._store.read(_streams(commands))
        now = self._clock.now() + self.reference.clock_offset
        decided = Batch(commands, stored, self.reference, now, self._peppers)
        base = 0
        if decided.rows:
            try:
                found = await self._store.append(
                    decided.rows, minute_of(now), self.reference.position
                )
            except StreamMovedError:
                return batch
            if found is None:
                return batch
            base = found
            self._note_append(decided)
        elif _answers(decided) and await self._has_moved(decided.reference.position):
            return batch
        unconfirmed = []
        for each, outcome in zip(batch, decided.outcomes(base), strict=True):
            if isinstance(outcome, (Refusal, Failed)):
                unconfirmed.append(each)
            else:
                _resolve(each, outcome)
        return unconfirmed

    async def _attempt_locked(self, batch: Sequence[Submission]) -> None:
        """Decide and append where nothing can move, and keep what is refused."""
        commands = [each.command for each in batch]
        async with self._store.locked() as session:
            if session.head.reference != self.reference.position:
                await self._refresh(session)
            stored = await session.read(_streams(commands))
            now = max(
                self._clock.now() + self.reference.clock_offset, instant_of(session.head.minute)
            )
            decided = Batch(commands, stored, self.reference, now, self._peppers)
            base, minute = 0, minute_of(now)
            # Also without rows: a refusal moves the log's minute, or its command's first attempt,
            # on a host whose clock is behind, could still be granted.
            if decided.rows or minute > session.head.minute:
                base = await session.append(decided.rows, minute)
            if refused := decided.refused():
                await session.refuse(refused, now)
        self._note_append(decided)
        for each, outcome in zip(batch, decided.outcomes(base), strict=True):
            _resolve(each, outcome)

    def _note_append(self, decided: Batch) -> None:
        if decided.changes_reference:
            self._reference_is_stale = True
        if decided.rows:
            self._appended.set()

    async def _has_moved(self, position: int) -> bool:
        """Whether reference data has come behind `position`. Asked where no append finds out."""
        await self._refresh(self._store)
        return self.reference.position > position

    async def _refresh(self, source: Store | Session) -> None:
        """Fold in the reference facts that have come since."""
        rows = await source.read_reference(self.reference.position)
        known = self.reference.position  # another lane may have been quicker
        if new := [row for row in rows if row[0] > known]:
            reference = self.reference.copy()
            for position, state in new:
                reference.fold(decode(state).fact, position)
            if reference.origin is not None:
                require_peppers(reference.origin.peppers, self._peppers)
            self.reference = reference
        self._reference_is_stale = False

    async def _announce(self) -> None:
        """Wake the followers after appends, at most once in `ANNOUNCE_EVERY`."""
        while True:
            await self._appended.wait()
            self._appended.clear()
            with suppress(StoreUnavailableError):  # they poll, too
                await self._store.announce()
            await asyncio.sleep(ANNOUNCE_EVERY)


def _streams(commands: Sequence[Command]) -> list[StreamId]:
    return list({stream for command in commands for stream in command.streams})


def _answers(decided: Batch) -> bool:
    """Whether an outcome holds only as long as the reference data does, and appends nothing."""
    return any(isinstance(outcome, Finding) for outcome in decided.outcomes(0))


def _resolve(each: Submission, outcome: Outcome) -> None:
    if each.future.done():  # the caller has gone away
        return
    if isinstance(outcome, Failed):
        _log.error("command %s failed", each.command.command_id, exc_info=outcome.error)
        each.future.set_exception(CommandFailedError(repr(outcome.error)))
    else:
        each.future.set_result(outcome)


def _fail(each: Submission, error: WriterError) -> None:
    if not each.future.done():
        each.future.set_exception(error)
