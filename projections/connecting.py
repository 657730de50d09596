"""Connections of the projector: its read schema first, the ledger's behind it."""

import zlib
from collections.abc import Mapping
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.postgres import Database
from ledger.postgres.roles import Roles
from projections.projection import Connection

WRITING: Final = {
    # Whoever writes read models doesn't wait for the disk: what a crash takes back, position and
    # tables together, is folded again from the log, whose commits do wait.
    "synchronous_commit": "off",
    # Walk the index. A plan made while the log was small would read all of it later.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
}


def connect(database: Database, read_schema: str | None = None) -> Connection:
    """A connection that writes read models, in autocommit."""
    conninfo = _with_options(database, read_schema or Roles(database.schema).read_schema, WRITING)
    return psycopg.connect(conninfo, autocommit=True, prepare_threshold=1)


def reader_conninfo(database: Database) -> str:
    """For those who only read the read models: the service's pool, the command line."""
    read_schema = Roles(database.schema).read_schema
    return _with_options(database, read_schema, {"default_transaction_read_only": "on"})


def lock_keys(database: Database, purpose: str) -> tuple[int, int]:
    """The keys of an advisory lock: one for all of this ledger's, one for this purpose."""
    return _int4(f"souche projections {database.schema}"), _int4(purpose)


def lead_keys(database: Database, name: str, version: int) -> tuple[int, int]:
    """The lock of whoever follows the log for this version of a read model."""
    return lock_keys(database, f"lead {name} {version}")


def _int4(text: str) -> int:
    return zlib.crc32(text.encode()) >> 1  # positive: pg_locks shows it as it is


def _with_options(database: Database, read_schema: str, settings: Mapping[str, str]) -> str:
    path = ",".join(sql.Identifier(name).as_string() for name in (read_schema, database.schema))
    given = str(conninfo_to_dict(database.projector).get("options") or "")
    escaped = path.replace("\\", "\\\\").replace(" ", "\\ ")
    every = {"search_path": escaped, **settings}
    options = [f"-c {name}={value}" for name, value in every.items()]
    return make_conninfo(
        database.projector,
        options=" ".join([given, *options]).strip(),
        # A host that vanished is noticed in seconds, not when TCP gives up.
        connect_timeout=10,
        keepalives_idle=5,
        tcp_user_timeout=10_000,
    )
