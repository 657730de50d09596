"""A ledger's schema goes forward, one file at a time, and never over a changed past."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from ledger.postgres import Database, MigrationRefusedError, PostgresServer
from ledger.postgres.database import embedded_database, prepare_embedded
from ledger.postgres.migrations import Migration, migrate, shipped
from ledger.postgres.roles import Roles
from tests.postgres_fixtures import NewDatabase, drop

ROLES = Roles()
NEXT = len(shipped()) + 1


def following(name: str = "more", text: str = "CREATE TABLE more (id int)") -> Migration:
    """One more than there are."""
    return Migration(NEXT, f"{NEXT:04}_{name}", text)


def applied(database: Database) -> list[tuple[object, ...]]:
    with psycopg.connect(database.owner) as connection:
        return connection.execute(
            "SELECT number, name, sha256, applied_at <= now() FROM schema_version ORDER BY number"
        ).fetchall()


@pytest.fixture
def empty(new_database: NewDatabase, postgres_server: PostgresServer) -> Database:
    """A database that no migration has seen; dropped with its server."""
    name = str(conninfo_to_dict(new_database().owner)["dbname"])
    create = sql.SQL("CREATE DATABASE {} OWNER {}").format(
        sql.Identifier(f"{name}_empty"), sql.Identifier(ROLES.owner)
    )
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as admin:
        admin.execute(create)
    return embedded_database(postgres_server, ROLES, f"{name}_empty")


def test_each_is_run_once_and_recorded(empty: Database) -> None:
    assert migrate(empty.owner, ROLES) == list(shipped())
    assert migrate(empty.owner, ROLES) == []
    assert applied(empty) == [(m.number, m.name, m.sha256, True) for m in shipped()]


def test_nothing_is_locked_or_written_when_nothing_is_pending(database: Database) -> None:
    read_only = psycopg.conninfo.make_conninfo(
        database.owner, options="-c default_transaction_read_only=on"
    )

    assert migrate(read_only, ROLES) == []


def test_processes_that_migrate_at_once_run_each_once(empty: Database) -> None:
    wanted = [*shipped(), following(text="SELECT pg_sleep(0.2); CREATE TABLE more (id int)")]
    with ThreadPoolExecutor(8) as pool:
        ran = list(pool.map(lambda _: migrate(empty.owner, ROLES, wanted), range(8)))

    assert sorted(m.number for some in ran for m in some) == [m.number for m in wanted]
    assert len(applied(empty)) == len(wanted)


def test_an_edited_one_is_refused(database: Database) -> None:
    first, *rest = shipped()
    edited = replace(first, text=first.text + "\n-- a word")

    with pytest.raises(MigrationRefusedError, match="0001_log was changed after"):
        migrate(database.owner, ROLES, [edited, *rest, following()])
    assert len(applied(database)) == len(shipped())


def test_a_missing_one_is_refused(database: Database) -> None:
    migrate(database.owner, ROLES, [*shipped(), following()])
    other = Migration(NEXT, f"{NEXT:04}_other", "SELECT 1")

    with pytest.raises(MigrationRefusedError, match="removed, renamed or put in another order"):
        migrate(database.owner, ROLES, [*shipped(), other])


def test_a_database_from_the_future_is_refused(database: Database) -> None:
    migrate(database.owner, ROLES, [*shipped(), following()])

    with pytest.raises(MigrationRefusedError, match="newer"):
        migrate(database.owner, ROLES)


def test_a_failing_one_leaves_no_trace(database: Database) -> None:
    failing = following(text="CREATE TABLE more (id int); SELECT 1 / 0")

    with pytest.raises(errors.DivisionByZero):
        migrate(database.owner, ROLES, [*shipped(), failing])

    assert len(applied(database)) == len(shipped())
    with psycopg.connect(database.owner) as connection:
        assert connection.execute("SELECT to_regclass('more')").fetchone() == (None,)


def test_it_would_rather_fail_than_hold_up_the_traffic(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for a lock on `events` makes every later append wait behind it."""
    monkeypatch.setattr("ledger.postgres.migrations.LOCK_TIMEOUT", "50ms")
    blocking = following(text="ALTER TABLE events ADD more int")
    with psycopg.connect(database.writer) as busy:
        busy.execute("SELECT FROM events")
        with pytest.raises(errors.LockNotAvailable):
            migrate(database.owner, ROLES, [*shipped(), blocking])

    assert migrate(database.owner, ROLES, [*shipped(), blocking]) == [blocking]


def test_names_in_a_file_are_those_of_the_ledger(database: Database) -> None:
    """As psql writes them: a file can be run by hand."""
    named = following(
        text='CREATE TABLE :"schema".more (id int); GRANT SELECT ON more TO :"writer"'
    )
    migrate(database.owner, ROLES, [*shipped(), named])

    with psycopg.connect(database.writer) as connection:
        assert connection.execute("SELECT count(*) FROM more").fetchone() == (0,)


def test_two_ledgers_in_one_database_keep_apart(
    new_database: NewDatabase, postgres_server: PostgresServer
) -> None:
    first = new_database()
    dbname = str(conninfo_to_dict(first.owner)["dbname"])
    second = prepare_embedded(postgres_server, Roles("north"), dbname)

    with psycopg.connect(second.writer) as connection:
        connection.execute("UPDATE log_head SET size = 7")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT FROM souche.events")
    with psycopg.connect(first.writer) as connection:
        assert connection.execute("SELECT size FROM log_head").fetchone() == (0,)
    drop(postgres_server, first)
