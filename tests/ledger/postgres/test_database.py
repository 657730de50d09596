"""A database for a ledger, wherever it is."""

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.postgres import (
    Database,
    PostgresServer,
    PostgresUnavailableError,
    open_database,
)
from ledger.postgres.binaries import Binaries, find_binaries, installations
from ledger.postgres.database import connect_given, prepare_embedded
from ledger.postgres.roles import Roles
from tests.installation import NAMED
from tests.ledger.postgres.conftest import FAST, StartCommand
from tests.ledger.postgres.test_log_schema import approval, insert

ROLES = Roles()
LOGINS = {"owner", "writer", "projector"}


def session(conninfo: str) -> dict[str, object]:
    """What a session finds itself to be."""
    asked = ("search_path", "transaction_isolation", "application_name")
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(
            "SELECT current_user, " + ", ".join(f"current_setting('{name}')" for name in asked)
        ).fetchone()
    assert row is not None
    return dict(zip(("current_user", *asked), row, strict=True))


def test_embedded_from_nothing_to_an_appended_event(
    new_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOUCHE_DATABASE_URL", raising=False)
    for _ in range(2):
        with open_database(new_folder, settings=FAST) as database:
            for role in LOGINS:
                assert session(getattr(database, role)) == {
                    "current_user": f"souche_{role}",
                    "search_path": '"souche"',
                    "transaction_isolation": "read committed",
                    "application_name": f"souche-{role}",
                }
    secrets = new_folder / "postgresql" / "secrets"
    assert {f.name for f in secrets.iterdir()} == {"postgres", *(f"souche_{r}" for r in LOGINS)}
    assert {stat.S_IMODE(f.stat().st_mode) for f in secrets.iterdir()} == {0o600}


def test_a_lost_password_file_is_made_again(folder: Path) -> None:
    with PostgresServer(folder, settings=FAST) as server:
        prepare_embedded(server, ROLES)
        (server.places.secrets / ROLES.writer).unlink()
        insert(prepare_embedded(server, ROLES).writer)


@contextmanager
def logged(server: PostgresServer) -> Iterator[list[str]]:
    """What the writer's sessions left in the server's log in a block, once that has ended."""
    lines: list[str] = []
    with server.places.log.open() as log:
        log.seek(0, os.SEEK_END)
        yield lines
        lines += [line for line in log if ROLES.writer in line or line.startswith("\t")]


def test_a_writer_that_comes_second_leaves_one_short_line_in_the_servers_log(
    postgres_server: PostgresServer, database: Database
) -> None:
    """It is an ordinary day, and the log has to have room for years of them."""
    insert(database.writer)
    with logged(postgres_server) as lines, pytest.raises(errors.UniqueViolation):
        insert(database.writer)

    assert len(lines) == 1
    assert len(lines[0]) < 150


def test_a_writers_real_errors_are_in_the_servers_log(
    postgres_server: PostgresServer, database: Database
) -> None:
    """A damaged page or a full disk is of the same level as this one."""
    with (
        logged(postgres_server) as lines,
        psycopg.connect(database.writer) as connection,
        pytest.raises(errors.DivisionByZero),
    ):
        connection.execute("SELECT 1 / 0")

    assert [line.split("ERROR:")[1].strip() for line in lines] == ["division by zero"]


@pytest.mark.parametrize(
    "binaries",
    [b for b in installations() if not b.wheel]
    or [
        pytest.param(
            None,
            marks=pytest.mark.skip(reason="this machine has no PostgreSQL 15 or later of its own"),
        )
    ],
    ids=lambda b: b.version if b else "none",
)
def test_a_postgresql_of_the_machine_does_as_well(new_folder: Path, binaries: Binaries) -> None:
    with PostgresServer(new_folder, settings=FAST, binaries=binaries) as server:
        database = prepare_embedded(server, ROLES)
        insert(database.writer)
        with psycopg.connect(database.owner) as connection:
            assert connection.info.server_version // 10_000 == binaries.major
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("DELETE FROM events")
        with pytest.raises(errors.CheckViolation, match="four_eyes"):
            insert(
                database.writer,
                version=2,
                position=2,
                **approval(actor="ann", fact={"submitter": "ann"}),
            )
    # From now on these data are opened by this version, wheel or not.
    assert PostgresServer(new_folder).binaries.major == binaries.major


def test_the_tests_run_on_the_postgresql_that_was_named(
    folder: Path, postgres_server: PostgresServer, start_command: StartCommand
) -> None:
    """Also where another process starts the server."""
    program = Path(NAMED, "postgres") if NAMED else find_binaries().path("postgres")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)

    start_command(folder)
    for server in (postgres_server, PostgresServer(folder)):
        with psycopg.connect(server.conninfo()) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        assert row is not None
        assert said.stdout == f"postgres (PostgreSQL) {row[0]}\n"


# Somebody else's server -----------------------------------------------------------------


@pytest.fixture
def login(new_database: object, postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an ordinary login that owns an empty database, on a server of its own roles."""
    yield from _login(postgres_server, "plain", "LOGIN")


@pytest.fixture
def creator(new_database: object, postgres_server: PostgresServer) -> Iterator[str]:
    """The same, of a login that may create roles."""
    yield from _login(postgres_server, "creator", "LOGIN CREATEROLE")


def _login(server: PostgresServer, name: str, kind: str) -> Iterator[str]:
    with psycopg.connect(server.conninfo(), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} {kind} PASSWORD 'secret'".encode())
        admin.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
        yield make_conninfo(
            server.conninfo(name, name), password="secret", options="-c statement_timeout=60000"
        )
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        for role in ("guest_writer", "guest_projector", "guest_app", name):
            admin.execute(f"DROP ROLE IF EXISTS {role}".encode())


GUEST = Roles("guest")


def given(url: str) -> Database:
    """A ledger on the tests' server, which doesn't wait for the disk."""
    return connect_given(url, GUEST, accept_losses=True)


def test_given_a_login_that_creates_roles(creator: str) -> None:
    database = given(creator)
    assert given(creator) == database

    insert(database.writer)
    assert session(database.owner)["current_user"] == "creator"
    assert session(database.writer)["current_user"] == "guest_writer"
    assert session(database.projector)["current_user"] == "guest_projector"
    for conninfo in (database.owner, database.writer, database.projector):
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("1min",)
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("DELETE FROM events")


def test_given_a_login_that_may_not_it_says_what_an_administrator_has_to_run(
    login: str, postgres_server: PostgresServer
) -> None:
    with pytest.raises(PostgresUnavailableError, match="Let an administrator run") as refused:
        given(login)

    statements = str(refused.value).split("\n", 1)[1]
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as admin:
        admin.execute(statements.encode())
    insert(given(login).writer)


def test_the_writer_may_have_a_login_of_its_own(
    creator: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which can't become the owner again, as one that assumes a role can."""
    given(creator)
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as admin:
        admin.execute("CREATE ROLE guest_app LOGIN PASSWORD 'app'; GRANT guest_writer TO guest_app")
    app = make_conninfo(creator, user="guest_app", password="app")
    monkeypatch.setenv("SOUCHE_WRITER_URL", app)

    database = given(creator)

    insert(database.writer)
    with psycopg.connect(database.writer) as connection:
        assert connection.execute("SELECT session_user").fetchone() == ("guest_app",)
    assert session(database.projector)["current_user"] == "guest_projector"


def test_isolation_is_ours_to_say(creator: str, postgres_server: PostgresServer) -> None:
    """An administrator's default doesn't reach us."""
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as admin:
        admin.execute("ALTER ROLE creator SET default_transaction_isolation = serializable")

    database = given(creator)

    assert session(database.writer)["transaction_isolation"] == "read committed"


def test_a_server_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    with (
        pytest.raises(PostgresUnavailableError, match="SOUCHE_DATABASE_URL"),
        open_database(tmp_path, "postgresql:///souche?host=/nowhere"),
    ):
        pass


@pytest.mark.parametrize(
    "name", ["SOUCHE_DATABASE_URL", "SOUCHE_WRITER_URL", "SOUCHE_PROJECTOR_URL"]
)
def test_a_url_that_cannot_be_read_is_named_and_not_repeated(
    creator: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("SOUCHE_DATABASE_URL", creator)
    monkeypatch.setenv(name, "postgresql:/login:top-secret@host/souche")

    with (
        pytest.raises(PostgresUnavailableError, match=f"{name} can't be read") as refused,
        open_database(tmp_path, accept_losses=True),
    ):
        pass

    assert "top-secret" not in str(refused.value)


def test_a_server_that_forgets_at_a_power_cut_is_refused(folder: Path) -> None:
    with PostgresServer(folder, settings={"fsync": "off"}) as server:
        url = server.conninfo()
        with (
            pytest.raises(PostgresUnavailableError, match=r"set fsync = on in postgresql\.conf"),
            open_database(folder, url),
        ):
            pass
        with psycopg.connect(url) as connection:  # nothing was begun there
            assert connection.execute("SELECT to_regnamespace('souche')").fetchone() == (None,)
        with open_database(folder, url, accept_losses=True) as database:
            insert(database.writer)


def test_a_server_that_keeps_what_it_acknowledges_is_taken(folder: Path) -> None:
    with (
        PostgresServer(folder) as server,
        open_database(folder, server.conninfo()) as database,
    ):
        insert(database.writer)


def test_the_environment_names_the_server(
    creator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUCHE_DATABASE_URL", creator)
    with open_database(tmp_path / "unused", schema="guest", accept_losses=True) as database:
        insert(database.writer)

    assert not (tmp_path / "unused").exists()


def test_a_database_hides_what_it_was_given(creator: str) -> None:
    assert "secret" not in repr(given(creator))


@pytest.mark.parametrize("name", ["", "Souche", "a-b", "1st", "x" * 51, 'a"; DROP'])
def test_a_schema_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="schema"):
        Roles(name)


def test_the_database_of_a_test_is_its_own(database: Database, module_database: Database) -> None:
    insert(database.writer)
    insert(module_database.writer)

    names = {conninfo_to_dict(d.owner)["dbname"] for d in (database, module_database)}
    assert len(names) == 2
