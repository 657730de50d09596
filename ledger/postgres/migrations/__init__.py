"""Numbered SQL files, run in order, each once and in a transaction of its own.

What is in use is only added to; a later release removes the old. No released file is edited, and
no migration touches the log's bytes.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from psycopg import sql

from ledger.postgres.errors import MigrationRefusedError
from ledger.postgres.roles import Roles

LOCK_TIMEOUT = "5s"  # for a migration's own locks: better to fail than to queue all traffic


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int  # from 1, without a gap
    name: str  # the file's, such as 0001_log
    text: str

    @property
    def sha256(self) -> str:
        """Of the text, in hexadecimal; the same whatever the line endings on disk."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def shipped() -> tuple[Migration, ...]:
    """The migrations that come with this code, in order.

    Raises:
        MigrationRefusedError: a file isn't named like 0001_word.sql, or numbers have a gap.
    """
    found = sorted(f.name for f in files(__name__).iterdir() if f.name.endswith(".sql"))
    for expected, name in enumerate(found, start=1):
        if not re.fullmatch(rf"{expected:04}_[a-z0-9_]+\.sql", name):
            raise MigrationRefusedError(f"Migration {expected:04} should come here, not {name}.")
    return tuple(
        Migration(number, name.removesuffix(".sql"), files(__name__).joinpath(name).read_text())
        for number, name in enumerate(found, start=1)
    )


def migrate(
    conninfo: str, roles: Roles, migrations: Sequence[Migration] | None = None
) -> list[Migration]:
    """Bring the schema of `roles` up to date; return what was run.

    Any number of processes may do this at once: each migration is run by one of them.

    Raises:
        MigrationRefusedError: an old migration was changed, is missing or comes in another
            order, or the database is newer than this code.
        psycopg.errors.LockNotAvailable: somebody uses what a migration changes; try later.
    """
    wanted = shipped() if migrations is None else migrations
    ran: list[Migration] = []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while (migration := _run_next(connection, roles, wanted)) is not None:
            ran.append(migration)
    return ran


def _run_next(
    connection: psycopg.Connection, roles: Roles, wanted: Sequence[Migration]
) -> Migration | None:
    if not _pending(wanted, _applied(connection, roles)):
        return None  # the usual case: looked up, and nothing locked
    with connection.transaction():
        # Released at the end of the transaction, also behind a connection pooler.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_lock_key(roles.schema)])
        pending = _pending(wanted, _applied(connection, roles))
        if not pending:
            return None
        _run(connection, roles, pending[0])
    return pending[0]


def _run(connection: psycopg.Connection, roles: Roles, migration: Migration) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
    schema = sql.Identifier(roles.schema)
    if migration.number == 1:
        connection.execute(
            sql.SQL(
                "CREATE SCHEMA IF NOT EXISTS {schema};"
                "GRANT USAGE ON SCHEMA {schema} TO {writer}, {projector};"
                "CREATE TABLE {schema}.schema_version ("
                " number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT transaction_timestamp());"
                "GRANT SELECT ON {schema}.schema_version TO {writer}, {projector}"
            ).format(
                schema=schema,
                writer=sql.Identifier(roles.writer),
                projector=sql.Identifier(roles.projector),
            )
        )
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(schema))
    connection.execute(with_names(connection, migration.text, roles))
    connection.execute(
        sql.SQL("INSERT INTO {}.schema_version (number, name, sha256) VALUES (%s, %s, %s)").format(
            schema
        ),
        [migration.number, migration.name, migration.sha256],
    )


def with_names(connection: psycopg.Connection, text: str, roles: Roles) -> bytes:
    """`text` with psql's `:"name"` replaced by the ledger's own roles and schemas."""
    names = {
        "schema": roles.schema,
        "read_schema": roles.read_schema,
        "owner": roles.owner,
        "writer": roles.writer,
        "projector": roles.projector,
    }
    return re.sub(
        r':"(\w+)"', lambda m: sql.Identifier(names[m[1]]).as_string(connection), text
    ).encode()


def _applied(connection: psycopg.Connection, roles: Roles) -> list[tuple[int, str, str]]:
    # Not to_regclass(): after the wait for the lock that still remembers that there was none.
    exists = connection.execute(
        "SELECT FROM pg_tables WHERE schemaname = %s AND tablename = 'schema_version'",
        [roles.schema],
    ).fetchone()
    if exists is None:
        return []
    table = sql.Identifier(roles.schema, "schema_version")
    query = sql.SQL("SELECT number, name, sha256 FROM {} ORDER BY number").format(table)
    return list(connection.execute(query))


def _pending(
    wanted: Sequence[Migration], applied: Sequence[tuple[int, str, str]]
) -> Sequence[Migration]:
    for position, (number, name, sha256) in enumerate(applied):
        if position >= len(wanted):
            raise MigrationRefusedError(
                f"The database has migration {name}, which this version of Souche doesn't know: "
                f"it was used by a newer one. Use that version."
            )
        ours = wanted[position]
        if (ours.number, ours.name) != (number, name):
            raise MigrationRefusedError(
                f"The database ran migration {name} where this code has {ours.name}: "
                f"old migrations were removed, renamed or put in another order."
            )
        if ours.sha256 != sha256:
            raise MigrationRefusedError(
                f"Migration {name} was changed after the database ran it. "
                f"Put it back as it was, and write a new one."
            )
    return wanted[len(applied) :]


def _lock_key(schema: str) -> int:
    digest = hashlib.sha256(f"souche migrations {schema}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
