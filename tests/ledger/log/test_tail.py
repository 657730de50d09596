"""Readers tail the log while eight writers write, and lose nothing.

The library's cases read after both writers have committed; its variant that takes no lock passes
them, and loses one event in a hundred to a reader who tails. So we tail.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from threading import Event, Thread

import psycopg
from eventsourcing.persistence import IntegrityError, Notification, StoredEvent

from ledger.log.recorder import LogRecorder
from ledger.postgres import Database
from tests.ledger.log.conftest import NewRecorder
from tests.ledger.log.helpers import CHANNEL, opaque

WRITERS = 8
APPENDS = 60  # by each writer
STREAMS = 12  # few, so that writers meet


@dataclass
class Race:
    """What the writers did, and what each reader saw while they did it."""

    conflicts: int = 0
    stored: list[Notification] = field(default_factory=list)
    tailed: list[Notification] = field(default_factory=list)
    subscribed: list[Notification] = field(default_factory=list)

    def lost(self, seen: Sequence[Notification]) -> set[int]:
        return {each.id for each in self.stored} - {each.id for each in seen}

    def gaps(self) -> set[int]:
        positions = {each.id for each in self.stored}
        return set(range(1, max(positions) + 1)) - positions


def write(recorder: LogRecorder, seed: int) -> int:
    """Append to streams that others append to, too. Returns how often somebody was quicker."""
    chance, conflicts = random.Random(seed), 0
    for _ in range(APPENDS):
        stream = f"stream-{chance.randrange(STREAMS)}"
        last = recorder.select_events(stream, desc=True, limit=1)
        version = last[0].originator_version if last else 0
        try:
            recorder.insert_events(
                [opaque(stream, version + 1 + n) for n in range(chance.randint(1, 4))]
            )
        except IntegrityError:
            conflicts += 1
    return conflicts


def tail(recorder: LogRecorder, written: Event) -> Iterator[Notification]:
    """Page through the log without a pause, until nothing comes after the last write."""
    position = 0
    while True:
        is_last = written.is_set()
        page = recorder.select_notifications(position, 7, inclusive_of_start=False)
        yield from page
        position = page[-1].id if page else position
        if is_last and not page:
            return


@contextmanager
def in_background(read: Callable[[], None]) -> Iterator[None]:
    thread = Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def race(writer: LogRecorder, reader: LogRecorder, *, subscribe: bool) -> Race:
    """Let them all run at once."""
    found, written = Race(), Event()

    def follow() -> None:
        if subscribe:
            with reader.subscribe() as source:
                found.subscribed += takewhile(lambda each: each.topic != "end", source)

    with in_background(follow), in_background(lambda: found.tailed.extend(tail(reader, written))):
        with ThreadPoolExecutor(WRITERS) as threads:
            found.conflicts = sum(threads.map(write, [writer] * WRITERS, range(WRITERS)))
        written.set()
        found.stored = reader.select_notifications(None, 100_000)
        writer.insert_events([opaque("end", topic="end")])
    return found


def test_a_reader_who_tails_loses_nothing(new_recorder: NewRecorder) -> None:
    found = race(new_recorder(), new_recorder(), subscribe=True)

    assert found.conflicts > 0
    assert found.gaps() == set()
    assert [each.id for each in found.tailed[: len(found.stored)]] == [
        each.id for each in found.stored
    ]
    assert found.subscribed == found.stored
    assert found.lost(found.tailed) == set()


class FromASequence(LogRecorder):
    """The usual way: positions from a sequence, and no lock."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> list[int]:
        insert = "INSERT INTO events VALUES (%s, %s, %s, %s, nextval('planted')) RETURNING 0"
        try:
            with self._pool.connection() as connection, connection.transaction():
                for each in stored_events:
                    connection.execute(insert, list(vars(each).values()))
                    connection.execute("SELECT pg_sleep(random() * 0.002)")
        except psycopg.errors.UniqueViolation as e:
            raise IntegrityError(str(e)) from e
        return []


def test_the_race_finds_a_recorder_that_loses_events(
    new_recorder: NewRecorder, database: Database
) -> None:
    """Or the test above would prove nothing."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("CREATE SEQUENCE planted; GRANT USAGE ON planted TO souche_writer")
    planted = FromASequence(database.writer, CHANNEL)
    planted._pool.open()
    with closing(planted):
        found = race(planted, new_recorder(), subscribe=False)

    assert found.lost(found.tailed) != set()
    assert found.gaps() != set()
