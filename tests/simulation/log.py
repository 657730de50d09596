"""One log for all hosts, and each host's way to it: slow, and not always there.

What a host sends reaches the log after a while, or never; so does the answer. A statement that
has reached the log is carried out there, whatever has become of the host or the connection.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from ledger.log.memory import MemoryRecorder, MemorySession, agrees
from ledger.log.rows import Head, RefusedCommand, Rows
from ledger.log.store import StoredRow, StoreUnavailableError
from ledger.values.clock import Clock

T = TypeVar("T")

LATE: Final = 0.5  # seconds that a statement may be on its way, at most


@dataclass
class Faults:
    """How often something goes wrong, from 0 to 1, and how long a call takes."""

    request_lost: float = 0.004
    answer_lost: float = 0.004
    carried_out_late: float = 0.3  # of the commits whose request seemed lost
    travel_seconds: float = 0.002  # one way, on average
    commit_seconds: float = 0.003
    log_is_down: bool = False

    def end(self) -> None:
        """From now on all goes well."""
        self.request_lost = self.answer_lost = 0.0
        self.log_is_down = False


class SimulatedLog(MemoryRecorder):
    """The log. It tells of each commit, and goes on with what reached it."""

    def __init__(self, chance: Random, faults: Faults, clock: Clock) -> None:
        super().__init__(clock)
        self.chance = chance
        self.faults = faults
        self.on_commit: Callable[[], None] = lambda: None
        self._at_work: set[asyncio.Task[Any]] = set()

    def commit(
        self,
        appended: Sequence[tuple[Rows, int]],
        refused: Sequence[tuple[RefusedCommand, datetime]],
    ) -> int:
        """Make it so. Returns the position before the first event."""
        base = self.head.size
        for rows, minute in appended:
            self.append(rows, minute)
        self.refusals += refused
        self.on_commit()
        return base

    async def carry_out(self, statement: Coroutine[Any, Any, T]) -> T:
        """Run it to its end, also when whoever waits for it is gone."""
        return await asyncio.shield(self.start(statement))

    def start(self, statement: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run it to its end. Nobody has to wait."""
        task = asyncio.create_task(statement)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        task.add_done_callback(lambda t: t.cancelled() or t.exception())  # told to whoever waits
        return task

    async def work(self) -> None:
        """The time that a commit takes."""
        await asyncio.sleep(self.chance.expovariate(1 / self.faults.commit_seconds))


class SimulatedStore:
    """One host's connections. See `Store`."""

    def __init__(self, log: SimulatedLog) -> None:
        self._log = log

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        await self.request()
        found = self._log.read(streams)
        await self.answer()
        return found

    async def read_reference(self, after: int) -> list[StoredRow]:
        await self.request()
        found = self._log.read_reference(after)
        await self.answer()
        return found

    async def head(self) -> Head:
        await self.request()
        found = self._log.head
        await self.answer()
        return found

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        statement = partial(self._append, rows, minute, expected_reference, clock)
        try:
            await self.request()
        except StoreUnavailableError:
            if self._log.chance.random() < self._log.faults.carried_out_late:
                _ = self._log.start(self._late(statement))
            raise
        base = await self._log.carry_out(statement())
        await self.answer()
        return base

    async def _late(self, statement: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """The statement was on its way when the connection broke."""
        await asyncio.sleep(self._log.chance.uniform(0, LATE))
        await statement()

    async def _append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        async with self._log.lock:
            if not self.agrees(minute, expected_reference, clock):
                return None
            self._log.check(rows)
            await self._log.work()
            return self._log.commit([(rows, minute)], [])

    def agrees(self, minute: int, expected_reference: int, clock: int) -> bool:
        """Whether the head is what was decided on."""
        return agrees(self._log.head, minute, expected_reference, clock)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator["SimulatedSession"]:
        await self.request()
        await self._log.lock.acquire()
        session = self.new_session()
        try:
            await self.answer()
            yield session
            session.is_complete = True
            await self.request()
        except StoreUnavailableError:
            # The connection is gone. What the host sent last may be the COMMIT, on its way.
            if (
                session.is_complete
                and self._log.chance.random() < self._log.faults.carried_out_late
            ):
                _ = self._log.start(session.commit_and_unlock())
            else:
                self._log.lock.release()
            raise
        except BaseException:
            self._log.lock.release()
            raise
        await self._log.carry_out(session.commit_and_unlock())
        await self.answer()

    def new_session(self) -> "SimulatedSession":
        return SimulatedSession(self, self._log)

    async def announce(self) -> None:
        await self.request()

    async def close(self) -> None:
        """Nothing is open."""

    async def request(self) -> None:
        """On the way there. It may be lost, and so may the connection."""
        await self._travel(self._log.faults.request_lost)

    async def answer(self) -> None:
        """On the way back, likewise."""
        await self._travel(self._log.faults.answer_lost)

    async def _travel(self, lost: float) -> None:
        log = self._log
        await asyncio.sleep(log.chance.expovariate(1 / log.faults.travel_seconds))
        if log.faults.log_is_down or log.chance.random() < lost:
            raise StoreUnavailableError("the connection is gone")


class SimulatedSession(MemorySession):
    """See `Session`."""

    def __init__(self, store: SimulatedStore, log: SimulatedLog) -> None:
        super().__init__(log)
        self._store = store
        self._simulated = log
        self.is_complete = False  # all that the block does is done

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        await self._store.request()
        found = await super().read(streams)
        await self._store.answer()
        return found

    async def read_reference(self, after: int) -> list[StoredRow]:
        await self._store.request()
        found = await super().read_reference(after)
        await self._store.answer()
        return found

    async def append(self, rows: Rows, minute: int) -> int:
        await self._store.request()
        base = await super().append(rows, minute)
        await self._store.answer()
        return base

    async def refuse(self, refused: Sequence[RefusedCommand], at: datetime) -> None:
        await self._store.request()
        await super().refuse(refused, at)
        await self._store.answer()

    async def commit_and_unlock(self) -> None:
        await self._simulated.work()
        self._simulated.commit(self.appended, self.refused)
        self._simulated.lock.release()
