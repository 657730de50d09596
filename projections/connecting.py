"""Connections of the projector: its read schema first, the ledger's behind it."""

import zlib

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.postgres import Database
from ledger.postgres.roles import Roles
from projections.projection import Connection


def connect(database: Database, read_schema: str | None = None) -> Connection:
    """A connection that writes read models, in autocommit.

    It doesn't wait for the disk: what a crash takes back, position and tables together, is
    folded again from the log, whose commits do wait.
    """
    conninfo = _with_options(
        database,
        read_schema or Roles(database.schema).read_schema,
        synchronous_commit="off",
    )
    return psycopg.connect(conninfo, autocommit=True, prepare_threshold=1)


def reader_conninfo(database: Database) -> str:
    """For those who only read the read models: the service's pool, the command line."""
    return _with_options(
        database, Roles(database.schema).read_schema, default_transaction_read_only="on"
    )


def lock_keys(database: Database, purpose: str) -> tuple[int, int]:
    """The keys of an advisory lock: one for all of this ledger's, one for this purpose."""
    return _int4(f"souche projections {database.schema}"), _int4(purpose)


def lead_keys(database: Database, name: str, version: int) -> tuple[int, int]:
    """The lock of whoever follows the log for this version of a read model."""
    return lock_keys(database, f"lead {name} {version}")


def log_channel(database: Database) -> str:
    """Where a writer announces that the log has grown."""
    return f"{database.schema}_log"


def _int4(text: str) -> int:
    return zlib.crc32(text.encode()) >> 1  # positive: pg_locks shows it as it is


def _with_options(database: Database, read_schema: str, **settings: str) -> str:
    path = ",".join(sql.Identifier(name).as_string() for name in (read_schema, database.schema))
    given = str(conninfo_to_dict(database.projector).get("options") or "")
    settings["search_path"] = path.replace("\\", "\\\\").replace(" ", "\\ ")
    options = [f"-c {name}={value}" for name, value in settings.items()]
    return make_conninfo(
        database.projector,
        options=" ".join([given, *options]).strip(),
        # A host that vanished is noticed in seconds, not when TCP gives up.
        keepalives_idle=5,
        tcp_user_timeout=10_000,
    )
