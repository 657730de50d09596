"""Following the log: whatever becomes of the connection, nothing is missed and nobody waits."""

from collections.abc import Iterator
from contextlib import closing
from queue import Empty, Queue
from threading import Event, Thread
from time import monotonic, sleep

import psycopg
import pytest
from eventsourcing.persistence import OperationalError

from ledger.log import subscription
from ledger.log.recorder import LogRecorder
from ledger.log.subscription import Connection, LogSubscription
from ledger.postgres import Database, PostgresServer
from tests.ledger.log.conftest import NewRecorder
from tests.ledger.log.helpers import CHANNEL, opaque
from tests.postgres_fixtures import ROLES, end_sessions

WAIT = 10.0  # seconds: far more than it takes


class Follower:
    """Reads a subscription in a thread of its own."""

    def __init__(self, source: LogSubscription) -> None:
        self.source = source
        self.positions: Queue[int] = Queue()
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        for notification in self.source:
            self.positions.put(notification.id)

    def next(self, wait: float = WAIT) -> int:
        return self.positions.get(timeout=wait)


@pytest.fixture
def follower(new_recorder: NewRecorder) -> Iterator[Follower]:
    with new_recorder().subscribe() as source:
        yield Follower(source)


def test_what_was_there_comes_first_and_then_what_comes(
    recorder: LogRecorder, new_recorder: NewRecorder
) -> None:
    recorder.insert_events([opaque(version=v) for v in range(1, 1_201)])
    with new_recorder().subscribe(gt=100) as source:
        follower = Follower(source)
        recorder.insert_events([opaque(version=1_201)])

        assert [follower.next() for _ in range(1_101)] == list(range(101, 1_202))


def test_an_append_arrives_at_once(
    recorder: LogRecorder, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its NOTIFY, not by the next look."""
    recorder.insert_events([opaque(version=1)])
    follower.next()
    monkeypatch.setattr(subscription, "POLL", WAIT)
    sleep(0.5)  # the wait that began before is over
    started = monotonic()
    recorder.insert_events([opaque(version=2)])

    assert follower.next() == 2
    assert monotonic() - started < 1
    monkeypatch.undo()
    recorder.insert_events([opaque(version=3)])  # ends the long wait


def test_an_append_that_nobody_announced_arrives_within_a_second(
    recorder: LogRecorder, follower: Follower
) -> None:
    recorder.insert_events([opaque(version=1)])
    follower.next()
    recorder._notify = psycopg.sql.Composed([psycopg.sql.SQL("SELECT")])

    recorder.insert_events([opaque(version=2)])

    assert follower.next(wait=1) == 2


def test_an_append_between_the_first_look_and_listening_arrives(
    recorder: LogRecorder,
) -> None:
    """The library's subscription delivers it with the one after it."""
    looked = Event()

    class SlowToListen(LogRecorder):
        def max_notification_id(self) -> int | None:
            try:
                return super().max_notification_id()
            finally:
                looked.set()

        def connect(self) -> Connection:
            looked.wait(WAIT)
            recorder.insert_events([opaque()])
            return super().connect()

    slow = SlowToListen(recorder._conninfo, CHANNEL)
    with closing(slow), slow.subscribe() as source:
        assert Follower(source).next(wait=1) == 1


def test_it_survives_the_loss_of_its_connections(
    recorder: LogRecorder,
    follower: Follower,
    database: Database,
    postgres_server: PostgresServer,
) -> None:
    for version in range(1, 4):
        ended = end_sessions(postgres_server, database, ROLES.writer)
        assert version == 1 or ended >= 1
        recorder.insert_events([opaque(version=version)])

        assert follower.next() == version


def test_it_survives_a_log_that_cant_be_read_for_a_while(
    recorder: LogRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Event()
    failing.set()

    class Failing(LogRecorder):
        def max_notification_id(self) -> int | None:
            if failing.is_set():
                raise OperationalError("gone")
            return super().max_notification_id()

    broken = Failing(recorder._conninfo, CHANNEL)
    recorder.insert_events([opaque()])
    with closing(broken), broken.subscribe() as source:
        follower = Follower(source)
        with pytest.raises(Empty):
            follower.next(wait=0.6)
        failing.clear()

        assert follower.next() == 1
    assert "can't read the log for now: gone" in caplog.text


def test_only_the_topics_asked_for(recorder: LogRecorder, new_recorder: NewRecorder) -> None:
    topics = ["wanted" if v % 700 == 0 else "other" for v in range(1, 2_101)]
    recorder.insert_events([opaque(version=v, topic=t) for v, t in enumerate(topics, start=1)])
    with new_recorder().subscribe(topics=("wanted",)) as source:
        follower = Follower(source)

        assert [follower.next() for _ in range(3)] == [700, 1400, 2100]


def test_a_look_begins_where_the_last_one_ended(
    recorder: LogRecorder, new_recorder: NewRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing wanted turned up, or a rare topic would scan the whole log each time."""
    starts: Queue[int | None] = Queue()
    select = LogRecorder.select_notifications

    def select_noting(self: LogRecorder, start: int | None, *args: int, **kwargs: int) -> object:
        starts.put(start)
        return select(self, start, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(LogRecorder, "select_notifications", select_noting)
    recorder.insert_events([opaque(version=v) for v in range(1, 11)])
    with new_recorder().subscribe(topics=("wanted",)):
        assert starts.get(timeout=WAIT) is None
        recorder.insert_events([opaque(version=11)])

        assert starts.get(timeout=WAIT) == 10


def test_it_stops_soon(new_recorder: NewRecorder) -> None:
    with new_recorder().subscribe() as source:
        Follower(source)
        started = monotonic()
    assert monotonic() - started < 1
