"""A ledger to load and to throw away: its database, its secrets, its folder."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from ledger.postgres import Database, PostgresServer
from ledger.postgres.binaries import find_binaries
from ledger.postgres.database import connect_given, prepare_embedded
from ledger.postgres.roles import Roles
from ledger.secrets import Secrets, open_secrets

VAR = Path(__file__).parent.parent / "var"  # on a disk that lasts, as /tmp may not be
ROLES = Roles("souche_scratch")  # on somebody else's server, beside a ledger that is used


@dataclass(frozen=True, slots=True)
class Scratch:
    """How to reach it."""

    folder: Path  # the service's data folder
    database: Database
    server: PostgresServer | None  # None: it is somebody else's

    @property
    def secrets(self) -> Secrets:
        """The keys of its sessions and codes."""
        return open_secrets(self.folder)

    @property
    def pgbench(self) -> Path:
        """The program, of the server's version where the server is ours."""
        binaries = self.server.binaries if self.server else find_binaries()
        return binaries.path("pgbench")


@contextmanager
def scratch_ledger(
    url: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Scratch]:
    """Keep an empty ledger for the length of a block.

    It runs on a server of its own, with `settings` over the usual ones; or in a schema of its
    own at `url`, which the owner's login there must be allowed to make and drop.
    """
    VAR.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=VAR))
    try:
        folder.chmod(0o755)  # started as root, PostgreSQL runs under another account
        yield from _given(folder, url) if url else _embedded(folder, settings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _given(folder: Path, url: str) -> Iterator[Scratch]:
    _drop(url)  # what a run left that was killed
    try:
        yield Scratch(folder, connect_given(url, ROLES), None)
    finally:
        _drop(url)


def _embedded(folder: Path, settings: Mapping[str, str] | None) -> Iterator[Scratch]:
    server = PostgresServer(folder, settings=settings)
    try:
        with server:
            yield Scratch(folder, prepare_embedded(server, Roles()), server)
    finally:
        shutil.rmtree(server.places.home, ignore_errors=True)  # it may be elsewhere


def _drop(url: str) -> None:
    with psycopg.connect(url) as connection:
        for schema in (ROLES.read_schema, ROLES.schema):
            name = sql.Identifier(schema)
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
