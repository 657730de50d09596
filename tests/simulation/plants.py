"""Defects to plant. Each has to be noticed, or the audit is worth nothing."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from ledger.batch import Batch
from ledger.decisions.reference import Reference
from ledger.facts.codec import decode
from ledger.knowledge import Knowledge
from ledger.log.rows import Head, RefusedCommand, Rows
from ledger.log.store import Session, Store, StoredRow
from ledger.writer import Writer
from tests.simulation.log import SimulatedLog, SimulatedSession, SimulatedStore
from tests.simulation.run import Settings

FOR_EVER: Final = 1 << 40  # minutes


class VersionsUnchecked(SimulatedLog):
    """A version may be given twice: nobody looks whether the stream has moved."""

    def check(self, rows: Rows) -> None:
        pass


class LosesCommits(SimulatedLog):
    """A commit in a hundred never was, as without `synchronous_commit`."""

    def commit(
        self, appended: Sequence[tuple[Rows, int]], refused: Sequence[tuple[RefusedCommand, Any]]
    ) -> int:
        lost = self.chance.random() < 0.01
        return super().commit([] if lost else appended, refused)


class TearsBatches(SimulatedLog):
    """A batch is appended without its last event."""

    def append(self, rows: Rows, minute: int) -> int:
        if len(rows) > 1 and self.chance.random() < 0.05:
            for column in (rows.streams, rows.versions, rows.topics, rows.states):
                column.pop()
        return super().append(rows, minute)


class ReferenceUnchecked(SimulatedStore):
    """An append doesn't notice that reference data has moved."""

    def agrees(self, minute: int, expected_reference: int, clock: int) -> bool:
        return super().agrees(minute, self._log.head.reference, clock)


class MinuteUnchecked(SimulatedStore):
    """An append doesn't notice that its clock is behind the log."""

    def agrees(self, minute: int, expected_reference: int, clock: int) -> bool:
        return super().agrees(max(minute, self._log.head.minute), expected_reference, clock)


class ClockUnchecked(SimulatedStore):
    """An append doesn't notice that its clock is far ahead."""

    def agrees(self, minute: int, expected_reference: int, clock: int) -> bool:
        return super().agrees(minute, expected_reference, clock=0)


class RefusesByAnyClock(SimulatedStore):
    """Under the lock nobody looks at the database's clock."""

    def new_session(self) -> SimulatedSession:
        session = super().new_session()
        session.head = replace(session.head, now=FOR_EVER)
        return session


class AnswersEarly(SimulatedStore):
    """An append is answered when it is sent, not when it is committed."""

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        await self.request()
        _ = self._log.start(self._append(rows, minute, expected_reference, clock))
        return self._log.head.size


class ForgetsIds(SimulatedStore):
    """What a stream says about the commands that extended it is overlooked."""

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        found = await super().read(streams)
        return [(at, re.sub(rb'"command_id":"[^"]*"', b'"command_id":""', s)) for at, s in found]


class ForgetsRefusals(SimulatedStore):
    """Refusals are given and not kept."""

    def new_session(self) -> SimulatedSession:
        return ForgetfulSession(self, self._log)


class ForgetfulSession(SimulatedSession):
    async def refuse(self, refused: Sequence[RefusedCommand], at: datetime) -> None:
        pass


class RefusesOutOfTime(SimulatedStore):
    """A refusal leaves the log's minute as it was."""

    def new_session(self) -> SimulatedSession:
        return TimelessSession(self, self._log)


class TimelessSession(SimulatedSession):
    async def append(self, rows: Rows, minute: int) -> int:
        return await super().append(rows, minute) if rows else 0


class Unlocked(SimulatedStore):
    """The second try is as open to others as the first."""

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[SimulatedSession]:
        await self.request()
        session = self.new_session()
        yield session
        await self.request()
        self._log.commit(session.appended, session.refused)


class FoldsOnAnything(Knowledge):
    """Folds what it has read into whatever another lane has come to know meanwhile."""

    async def catch_up(self, source: Store | Session, head: Head) -> Reference:
        rows = await source.read_reference(self.reference.position)
        reference = self.reference.copy()
        for position, state in rows:
            reference.fold(decode(state).fact, position)
        self.reference = reference
        self.is_stale = False
        return reference


class FoldsTwice(Writer):
    """Two lanes that notice moved reference data fold it one after the other."""

    async def start(self) -> None:
        self._known = FoldsOnAnything(self._peppers)
        await super().start()


class ChecksByHeart(Writer):
    """A check is answered with whatever the writer knows."""

    async def _has_moved(self, decided: Batch, clock: int) -> bool:
        return False


PLANTS: Final[dict[str, dict[str, Any]]] = {
    "versions-unchecked": {"log": VersionsUnchecked},
    "loses-commits": {"log": LosesCommits},
    "tears-batches": {"log": TearsBatches},
    "reference-unchecked": {"store": ReferenceUnchecked},
    "minute-unchecked": {"store": MinuteUnchecked},
    "clock-unchecked": {"store": ClockUnchecked},
    "refuses-by-any-clock": {"store": RefusesByAnyClock},
    "answers-early": {"store": AnswersEarly},
    "forgets-ids": {"store": ForgetsIds},
    "forgets-refusals": {"store": ForgetsRefusals},
    "refuses-out-of-time": {"store": RefusesOutOfTime},
    "unlocked": {"store": Unlocked},
    "folds-twice": {"writer": FoldsTwice},
    "checks-by-heart": {"writer": ChecksByHeart},
}


def planted(settings: Settings, plant: str) -> Settings:
    """The same run on a program with this defect."""
    return replace(settings, **PLANTS[plant])
