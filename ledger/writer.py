"""The writer: group commit with optimistic decisions.

All that has arrived is decided and appended together: one SELECT, one append. While one batch is
in flight the next one collects, so there is no timer: a lone request waits for nobody, and load
makes batches grow. Nothing is answered before its commit is durable.

Any number of writers, in any number of processes, may extend one log. A batch that was decided on
what has moved meanwhile is decided again under the head's lock, where nothing can move. Refusals
are confirmed there too, so that a retry is not refused what its first attempt is about to win. So
is a decision that broke: it may have met a stream that relies on reference data yet unread.

A writer whose clock is ahead of the database's decides nothing: what it refused as expired would
be so for all others, whose time never goes back behind the log's.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final

from ledger.batch import Batch, Failed, Outcome
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Command, Finding, InvalidCommandError
from ledger.facts.codec import decode
from ledger.log.rows import Head
from ledger.log.store import Session, Store, StoreUnavailableError, StreamMovedError
from ledger.secrets import require_peppers
from ledger.values.clock import Clock, instant_of, minute_of
from ledger.values.codes import Pepper
from ledger.values.ids import StreamId
from ledger.values.reasons import Refusal
from ledger.waiting import Submission, Waiting

LARGEST_BATCH: Final = 1_000  # facts
CAPACITY: Final = 8_192  # commands that may wait
LANES: Final = 2  # batches that may be in flight at once
WORTH_A_LANE: Final = 16  # waiting commands that start another lane
ANNOUNCE_EVERY: Final = 0.05  # seconds: followers are woken at most this often
RECONNECT_AFTER: Final = 0.2  # seconds
LATEST: Final = 5  # minutes that a clock may be behind the log's before somebody should look
REMIND_AFTER: Final = 60.0  # seconds from one such message to the next

_log = logging.getLogger(__name__)


class WriterError(Exception):
    """The command was not decided, or it is not known whether it was."""


class OverloadedError(WriterError):
    """Too many commands wait. Nothing was done; try again a little later."""


class OutcomeUnknownError(WriterError):
    """The log could not be reached. Retry with the same id until there is an answer."""


class CommandFailedError(WriterError):
    """A defect: this command can't be decided or stored. Nothing of it was appended."""


class ClockAheadError(Exception):
    """Nothing may be decided by this host's clock. Nothing was done."""


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
        self._lanes = lanes
        self._batches: set[asyncio.Task[None]] = set()
        self._waiting = Waiting(largest_batch)
        self._arrived = asyncio.Event()
        self._appended = asyncio.Event()
        self._stopping = False
        self._next_reminder = 0.0  # when the clock may be complained about again
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
        return len(self._waiting)

    def submit(self, command: Command) -> "asyncio.Future[Outcome]":
        """Queue a command. Its future resolves after the commit.

        The future raises OutcomeUnknownError, CommandFailedError or InvalidCommandError.

        Raises:
            OverloadedError: the queue is full, or the writer is stopping.
        """
        if self._stopping or len(self._waiting) >= self._capacity:
            raise OverloadedError
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        streams, weight = command.streams, command.weight
        self._waiting.put(Submission(command, future, loop.time(), streams, weight))
        self._arrived.set()
        return future

    async def execute(self, command: Command) -> Outcome:
        """Submit a command and wait for its outcome."""
        return await self.submit(command)

    async def _run(self) -> None:
        """Start batches for as long as anything may come."""
        while not (self._stopping and not self.waiting and not self._batches):
            await self._arrived.wait()
            self._arrived.clear()
            try:
                self._start_batches()
            except Exception:  # noqa: BLE001 (who waits is told, not left to wait for ever)
                _log.exception("no batch could be started")
                for each in self._waiting.drain():
                    _fail(each, CommandFailedError("no batch could be started"))

    def _start_batches(self) -> None:
        """Start a batch whenever a lane is free and work waits that is worth it."""
        now = asyncio.get_running_loop().time()
        while self._may_start() and (batch := self._waiting.take(now)):
            task = asyncio.create_task(self._process(batch))
            self._batches.add(task)
            task.add_done_callback(partial(self._finish, batch))

    def _may_start(self) -> bool:
        if not self._batches:
            return True
        return len(self._batches) < self._lanes and self._waiting.ready >= WORTH_A_LANE

    def _finish(self, batch: Sequence[Submission], task: "asyncio.Task[None]") -> None:
        self._batches.discard(task)
        self._waiting.release(batch)
        self._arrived.set()

    async def _process(self, batch: Sequence[Submission]) -> None:
        """Give every submission its outcome, whatever happens."""
        if not batch:
            return
        try:
            await self._settle(batch)
        except StoreUnavailableError as e:
            _log.warning("the log can't be reached: %s", e)
            self._reference_is_stale = True
            await self._leave_unknown(batch)
        except ClockAheadError as e:
            self._remind(str(e))
            await self._leave_unknown(batch)
        except Exception as e:  # noqa: BLE001 (whatever it is, the others go on)
            if len(batch) == 1:
                _log.exception("command %s failed", batch[0].command.command_id)
                _fail(batch[0], CommandFailedError(repr(e)))
                return
            # One poisons the others: halve until it is alone.
            middle = len(batch) // 2
            for half in (batch[:middle], batch[middle:]):
                await self._process([each for each in half if not each.future.done()])

    async def _leave_unknown(self, batch: Sequence[Submission]) -> None:
        """Nothing gets through just now. Who stops waits for no better time."""
        left = [*batch, *self._waiting.drain()] if self._stopping else batch
        for each in left:
            _fail(each, OutcomeUnknownError())
        if not self._stopping:
            await asyncio.sleep(RECONNECT_AFTER)

    async def _settle(self, batch: Sequence[Submission]) -> None:
        if self._reference_is_stale:
            await self._refresh(self._store)
        refused = await self._attempt(batch)
        if refused:
            await self._attempt_locked(refused)

    async def _attempt(self, batch: Sequence[Submission]) -> Sequence[Submission]:
        """Decide and append optimistically. Returns those that have to go under the lock."""
        commands = [each.command for each in batch]
        stored = await self._store.read(_streams(batch))
        clock = self._clock.now()
        now = clock + self.reference.clock_offset
        decided = Batch(commands, stored, self.reference, now, self._peppers)
        base = await self._append_unmoved(decided, minute_of(clock))
        if base is None:
            return batch
        unconfirmed = []
        for each, outcome in zip(batch, decided.outcomes(base), strict=True):
            if isinstance(outcome, (Refusal, Failed)):
                unconfirmed.append(each)
            else:
                _resolve(each, outcome)
        return unconfirmed

    async def _append_unmoved(self, decided: Batch, clock: int) -> int | None:
        """Append a batch, and return the position before it.

        None where something that it was decided on has moved since: nothing of it holds then.
        """
        if not decided.rows:
            return None if _answers(decided) and await self._has_moved(decided, clock) else 0
        try:
            base = await self._store.append(
                decided.rows, minute_of(decided.now), self.reference.position, clock
            )
        except StreamMovedError:
            return None
        if base is not None:
            self._note_append(decided)
        return base

    async def _attempt_locked(self, batch: Sequence[Submission]) -> None:
        """Decide and append where nothing can move, and keep what is refused."""
        commands = [each.command for each in batch]
        async with self._store.locked() as session:
            if session.head.reference != self.reference.position:
                await self._refresh(session)
            stored = await session.read(_streams(batch))
            now = self._now_after(session.head)
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

    def _now_after(self, head: Head) -> datetime:
        """The ledger's time, never behind the log's.

        Raises:
            ClockAheadError: our clock is far ahead of the database's.
        """
        clock = self._clock.now()
        if head.is_behind(minute_of(clock)):
            raise ClockAheadError(
                f"this host's clock is {minute_of(clock) - head.now} minutes ahead of the"
                " database's: set the one that is wrong; until then nothing is decided here"
            )
        own = clock + self.reference.clock_offset
        behind = head.minute - minute_of(own)
        if behind > LATEST:  # it works, under the lock: slowly
            self._remind(
                f"the log is {behind} minutes ahead of this host's clock: set this clock, or the"
                " one that was ahead; until time has caught up every batch waits for the head's"
                " lock"
            )
        return max(own, instant_of(head.minute))

    def _remind(self, about: str) -> None:
        """Tell that a clock is wrong, now and then."""
        now = asyncio.get_running_loop().time()
        if now >= self._next_reminder:
            self._next_reminder = now + REMIND_AFTER
            _log.error(about)

    def _note_append(self, decided: Batch) -> None:
        if decided.changes_reference:
            self._reference_is_stale = True
        if decided.rows:
            self._appended.set()

    async def _has_moved(self, decided: Batch, clock: int) -> bool:
        """Whether the head isn't what was decided on. Asked where no append finds out."""
        head = await self._store.head()
        return (
            head.reference != decided.reference.position
            or head.minute > minute_of(decided.now)
            or head.is_behind(clock)
        )

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
        while not self._stopping:
            await self._appended.wait()
            self._appended.clear()
            try:
                await self._store.announce()
            except StoreUnavailableError:
                pass  # they poll, too
            except Exception:  # noqa: BLE001 (the next one may be heard)
                _log.exception("followers were not woken")
            await asyncio.sleep(ANNOUNCE_EVERY)


def _streams(batch: Sequence[Submission]) -> list[StreamId]:
    return list({stream for each in batch for stream in each.streams})


def _answers(decided: Batch) -> bool:
    """Whether an outcome holds only as long as the reference data does, and appends nothing."""
    return any(isinstance(outcome, Finding) for outcome in decided.outcomes(0))


def _resolve(each: Submission, outcome: Outcome) -> None:
    if each.future.done():  # the caller has gone away
        return
    if not isinstance(outcome, Failed):
        each.future.set_result(outcome)
    elif isinstance(outcome.error, InvalidCommandError):  # the caller's to mend
        each.future.set_exception(outcome.error)
    else:
        _log.error("command %s failed", each.command.command_id, exc_info=outcome.error)
        each.future.set_exception(CommandFailedError(repr(outcome.error)))


def _fail(each: Submission, error: WriterError) -> None:
    if not each.future.done():
        each.future.set_exception(error)
