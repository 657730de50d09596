"""What our recorder promises beyond the library's cases."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from eventsourcing import persistence
from eventsourcing.persistence import DataError, IntegrityError, OperationalError, StoredEvent

from ledger.log.recorder import LogRecorder, library_errors
from ledger.log.rows import Head
from ledger.postgres import Database, PostgresServer
from ledger.values.clock import minute_of
from tests.builders.facts import carnets_ordered, holder_registered, programme_opened
from tests.builders.world import NOW
from tests.ledger.log.conftest import NewRecorder
from tests.ledger.log.helpers import CHANNEL, head_of, opaque, ours
from tests.postgres_fixtures import ROLES, end_sessions


def positions(recorder: LogRecorder) -> list[int]:
    return [each.id for each in recorder.select_notifications(None, 100_000)]


def test_a_conflict_leaves_no_gap(recorder: LogRecorder) -> None:
    recorder.insert_events([opaque("a", 1)])
    with pytest.raises(IntegrityError):
        recorder.insert_events([opaque("b", 1), opaque("a", 1)])
    recorder.insert_events([opaque("b", 1), opaque("a", 2)])

    assert positions(recorder) == [1, 2, 3]
    assert recorder.max_notification_id() == 3


def test_concurrent_conflicts_leave_no_gap(recorder: LogRecorder) -> None:
    """Eight threads want the same versions of the same streams."""

    def insert(number: int) -> int:
        try:
            return len(recorder.insert_events([opaque(f"s{number % 40}", v) for v in (1, 2)]))
        except IntegrityError:
            return 0

    with ThreadPoolExecutor(8) as threads:
        inserted = sum(threads.map(insert, range(400)))

    assert inserted == 80
    assert positions(recorder) == list(range(1, 81))


def test_opaque_events_leave_the_writers_head_alone(
    recorder: LogRecorder, database: Database
) -> None:
    recorder.insert_events([opaque()])

    assert head_of(database) == Head(size=1, minute=0, reference=0)


def test_our_facts_move_the_head_as_the_writer_does(
    recorder: LogRecorder, database: Database
) -> None:
    """Or a writer that is up would go on deciding without them."""
    facts = (programme_opened(), holder_registered(), carnets_ordered())
    programme, holder, ordered = (ours(fact) for fact in facts)
    second = StoredEvent(ordered.originator_id, 2, ordered.topic, ordered.state)

    recorder.insert_events([programme, holder, second])

    assert head_of(database) == Head(size=3, minute=minute_of(NOW), reference=2)


def test_a_topic_of_ours_on_something_else_is_refused(
    recorder: LogRecorder, database: Database
) -> None:
    """No writer could read that stream again."""
    with pytest.raises(DataError):
        recorder.insert_events([opaque(topic="programme.opened.v1")])

    assert head_of(database).size == 0


def test_an_append_is_announced(recorder: LogRecorder, database: Database) -> None:
    with psycopg.connect(database.projector, autocommit=True) as listener:
        listener.execute(f'LISTEN "{CHANNEL}"')
        recorder.insert_events([opaque()])

        assert [each.channel for each in listener.notifies(timeout=5, stop_after=1)] == [CHANNEL]


def test_an_append_that_cant_be_announced_has_happened(recorder: LogRecorder) -> None:
    recorder._notify = psycopg.sql.SQL("NOTIFY {}").format(psycopg.sql.Identifier(""))

    assert recorder.insert_events([opaque()]) == [1]


def test_the_projectors_role_reads_and_does_not_append(
    recorder: LogRecorder, database: Database
) -> None:
    recorder.insert_events([opaque()])
    reader = LogRecorder(database.projector, CHANNEL)

    assert [each.id for each in reader.select_notifications(1, 10)] == [1]
    with pytest.raises(persistence.ProgrammingError, match="permission denied"):
        reader.insert_events([opaque(version=2)])
    reader.close()


def test_a_lost_connection_is_no_error_to_a_reader(
    new_recorder: NewRecorder, database: Database, postgres_server: PostgresServer
) -> None:
    recorder = new_recorder()
    recorder.insert_events([opaque()])

    assert end_sessions(postgres_server, database, ROLES.writer) > 0

    assert recorder.max_notification_id() == 1


def test_a_log_that_cant_be_reached_is_an_operational_error() -> None:
    recorder = LogRecorder("host=/nowhere dbname=none", CHANNEL)
    recorder._pool.timeout = 0.1

    with pytest.raises(OperationalError):
        recorder.max_notification_id()
    recorder.close()


@pytest.mark.parametrize(
    "name",
    [
        "DataError",
        "IntegrityError",
        "InterfaceError",
        "InternalError",
        "NotSupportedError",
        "OperationalError",
        "ProgrammingError",
    ],
)
def test_each_error_is_the_librarys_of_the_same_name(name: str) -> None:
    with pytest.raises(persistence.PersistenceError) as raised, library_errors():
        raise getattr(psycopg, name)

    assert type(raised.value).__name__ == name
