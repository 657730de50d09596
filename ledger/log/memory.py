"""The log in memory, for the simulator and for fast tests of the writer. Nothing is served on it.

One `MemoryRecorder` is the log: the eventsourcing library's own in-memory recorder, with a head
that a session locks as it does in PostgreSQL. A `MemoryStore` is one writer's way to it.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.popo import POPOApplicationRecorder

from ledger.facts.codec import REFERENCE_TOPICS
from ledger.log.mapper import rows_of
from ledger.log.rows import Head, RefusedCommand, Rows
from ledger.log.store import StoredRow, StreamMovedError
from ledger.values.clock import Clock, SystemClock, minute_of


class MemoryRecorder(POPOApplicationRecorder):
    """A log, its head, and the refusals that are kept beside it."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Make an empty log. `clock` is what stands in for the database's."""
        super().__init__()
        self.clock = clock or SystemClock()
        self.minute = 0
        self.references: list[int] = []  # positions of the reference facts
        self.refusals: list[tuple[RefusedCommand, datetime]] = []
        self.lock = asyncio.Lock()  # the head's

    @property
    def head(self) -> Head:
        reference = self.references[-1] if self.references else 0
        now = minute_of(self.clock.now())
        return Head(len(self._stored_events), self.minute, reference, now)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: object
    ) -> Sequence[int] | None:
        _, minute = rows_of(stored_events)
        return super().insert_events(stored_events, minute=minute)

    def read(self, streams: Sequence[str]) -> list[StoredRow]:
        """As READ does."""
        found = []
        for stream in sorted(set(streams)):
            index = self._stored_events_index.get(stream, {})
            found += [(at + 1, self._stored_events[at].state) for _, at in sorted(index.items())]
        return found

    def read_reference(self, after: int) -> list[StoredRow]:
        """As READ_REFERENCE does."""
        later = self.references[bisect_right(self.references, after) :]
        return [(position, self._stored_events[position - 1].state) for position in later]

    def check(self, rows: Rows) -> None:
        """Find out whether `rows` can be appended.

        Raises:
            StreamMovedError: a stream has an event of such a version.
        """
        try:
            self._assert_uniqueness(stored_events_of(rows))
        except IntegrityError as e:
            raise StreamMovedError(str(e)) from e

    def append(self, rows: Rows, minute: int) -> int:
        """As APPEND does, for rows that were checked. Returns the position before the first."""
        base = len(self._stored_events)
        self._update_table(stored_events_of(rows), minute=minute)
        return base

    def announce(self) -> None:
        self._notify_listeners()

    def _update_table(
        self, stored_events: Sequence[StoredEvent], *, minute: int = 0, **_: object
    ) -> Sequence[int] | None:
        positions = super()._update_table(stored_events)
        for position, stored in zip(positions or (), stored_events, strict=True):
            if stored.topic in REFERENCE_TOPICS:
                self.references.append(position)
        self.minute = max(self.minute, minute)
        return positions


class MemorySession:
    """See `Session`. What it appends is in the log when its block ends."""

    def __init__(self, log: MemoryRecorder) -> None:
        self._log = log
        self.appended: list[tuple[Rows, int]] = []
        self.refused: list[tuple[RefusedCommand, datetime]] = []
        self.head = log.head

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        return self._log.read(streams)

    async def read_reference(self, after: int) -> list[StoredRow]:
        return self._log.read_reference(after)

    async def append(self, rows: Rows, minute: int) -> int:
        self._log.check(rows)
        base = self.head.size + sum(len(earlier) for earlier, _ in self.appended)
        self.appended.append((rows, minute))
        return base

    async def refuse(self, refused: Sequence[RefusedCommand], at: datetime) -> None:
        self.refused += [(each, at) for each in refused]

    def commit(self) -> None:
        for rows, minute in self.appended:
            self._log.append(rows, minute)
        self._log.refusals += self.refused


class MemoryStore:
    """See `Store`."""

    def __init__(self, log: MemoryRecorder) -> None:
        self._log = log

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        return self._log.read(streams)

    async def read_reference(self, after: int) -> list[StoredRow]:
        return self._log.read_reference(after)

    async def head(self) -> Head:
        return self._log.head

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        async with self._log.lock:
            if not agrees(self._log.head, minute, expected_reference, clock):
                return None
            self._log.check(rows)
            return self._log.append(rows, minute)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[MemorySession]:
        async with self._log.lock:
            session = MemorySession(self._log)
            yield session
            session.commit()

    async def announce(self) -> None:
        self._log.announce()

    async def close(self) -> None:
        """Nothing is open."""


def agrees(head: Head, minute: int, expected_reference: int, clock: int) -> bool:
    """Whether the head is what was decided on, as APPEND asks."""
    return (
        head.reference == expected_reference and head.minute <= minute and not head.is_behind(clock)
    )


def stored_events_of(rows: Rows) -> list[StoredEvent]:
    """The rows of one append as the library's stored events."""
    columns = zip(rows.streams, rows.versions, rows.topics, rows.states, strict=True)
    return [StoredEvent(*each) for each in columns]
