"""The writer: group commit, and decisions that at first count on nobody interfering.

A batch is whatever has arrived: one SELECT, one append. What arrives during them makes the next
batch; so no timer holds up a lone request, and the more come, the more share. An answer is given
once the commit has reached the disk.

Any number of writers, in any number of processes, may extend one log. A batch that was decided on
what has moved meanwhile is decided again with the head locked, where nothing can move. Refusals are
confirmed there too: a retry may come while its first attempt is being committed elsewhere, and has
to get that one's answer. So is a decision that broke: it may have met a stream that relies on
reference data yet unread.

Nothing is decided where the ground is unsure: by a clock that is ahead of the database's, or
without reference data that stands in the log. Callers are told then that the outcome is unknown.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from ledger.batch import Batch, Failed, Outcome
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Command, Finding, InvalidCommandError
from ledger.knowledge import Knowledge, ReferenceUnknownError
from ledger.log.store import Store, StoreUnavailableError, StreamMovedError
from ledger.secrets import WrongPepperError
from ledger.timing import ClockAheadError, LedgerTime, Reminder
from ledger.values.clock import Clock, minute_of
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

_log = logging.getLogger(__name__)


class WriterError(Exception):
    """The command was not decided, or it is not known whether it was."""


class OverloadedError(WriterError):
    """Too many commands wait. Nothing was done; try again a little later."""


class OutcomeUnknownError(WriterError):
    """It may have been done, or not. Retry with the same id until there is an answer."""


class CommandFailedError(WriterError):
    """A defect: this command can't be decided or stored. Nothing of it was appended."""


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
        self._time = LedgerTime(clock)
        self._peppers = peppers
        self._known = Knowledge(peppers)
        self._capacity = capacity
        self._lanes = lanes
        self._batches: set[asyncio.Task[None]] = set()
        self._waiting = Waiting(largest_batch)
        self._arrived = asyncio.Event()
        self._appended = asyncio.Event()
        self._stopping = False
        self._reminder = Reminder()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Load the reference data and begin.

        Raises:
            StoreUnavailableError: the log can't be reached.
            WrongPepperError: the ledger's tickets are not those of our peppers.
            ReferenceUnknownError: a later version of this program writes to it.
        """
        try:
            await self._catch_up()
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
    def reference(self) -> Reference:
        """The reference data that the next batch is decided on."""
        return self._known.reference

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
            self._known.is_stale = True
            await self._leave_unknown(batch)
        except (ClockAheadError, ReferenceUnknownError, WrongPepperError) as e:
            self._reminder.tell(type(e).__name__, str(e))
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
        if self._known.is_stale:
            await self._catch_up()
        refused = await self._attempt(batch)
        if refused:
            await self._attempt_locked(refused)

    async def _attempt(self, batch: Sequence[Submission]) -> Sequence[Submission]:
        """Decide and append optimistically. Returns those that have to go under the lock."""
        commands = [each.command for each in batch]
        stored = await self._store.read(_streams(batch))
        clock, reference = self._time.host(), self.reference
        now = clock + reference.clock_offset
        decided = Batch(commands, stored, reference, now, self._peppers)
        base = await self._append_unmoved(decided, reference.position, minute_of(clock))
        if base is None:
            return batch
        unconfirmed = []
        for each, outcome in zip(batch, decided.outcomes(base), strict=True):
            if isinstance(outcome, (Refusal, Failed)):
                unconfirmed.append(each)
            else:
                _resolve(each, outcome)
        return unconfirmed

    async def _append_unmoved(self, decided: Batch, reference: int, clock: int) -> int | None:
        """Append a batch that was decided on reference data up to `reference`.

        Returns the position before it, or None where something that it was decided on has moved
        since: then nothing of it holds.
        """
        if not decided.rows:
            return None if _answers(decided) and await self._has_moved(decided, clock) else 0
        try:
            base = await self._store.append(decided.rows, minute_of(decided.now), reference, clock)
        except StreamMovedError:
            return None
        if base is not None:
            self._note_append(decided)
        return base

    async def _attempt_locked(self, batch: Sequence[Submission]) -> None:
        """Decide and append where nothing can move, and keep what is refused."""
        commands = [each.command for each in batch]
        async with self._store.locked() as session:
            reference = self.reference
            if session.head.reference != reference.position:
                reference = await self._known.catch_up(session, session.head)
            stored = await session.read(_streams(batch))
            now = self._time.after(session.head, reference.clock_offset)
            decided = Batch(commands, stored, reference, now, self._peppers)
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
            self._known.is_stale = True
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

    async def _catch_up(self) -> None:
        """Take in the reference facts that have come since."""
        await self._known.catch_up(self._store, await self._store.head())

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
