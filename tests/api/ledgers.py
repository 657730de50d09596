"""A service on a real database, on a thread of this process: HTTP from outside, SQL beside it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import uvicorn

from api.actors import Role, make_token
from api.app import create_app
from api.connections import Connection
from ledger.batch import Recorded
from ledger.decisions.programmes import StartLedger
from ledger.log.connection import PostgresStore
from ledger.postgres import Database
from ledger.secrets import open_secrets
from ledger.settings import Settings
from ledger.values.clock import real_now
from ledger.writer import Writer
from projections.runner import run_projections
from projections.schema import prepare_read_models
from tests.api.operating import Desk

AUTHORITY = "clearing.example.org"
TODAY = datetime(2022, 5, 17, 9, 0, tzinfo=UTC)  # eleven in the morning in Paris


@dataclass(frozen=True)
class Served:
    """A service that runs, and who may ask it."""

    url: str
    database: Database
    data: Path
    operator: Desk
    approver: Desk
    auditor: Desk
    beside: psycopg.Connection[tuple[Any, ...]]  # as the writer's role

    def log_size(self) -> int:
        """How many events there are: what is refused appends none."""
        return int(self.query("SELECT size FROM log_head"))

    def new_desk(self, name: str, role: str) -> Desk:
        return Desk(self.url, self.make_token(self.database, name, role))

    @staticmethod
    def make_token(database: Database, name: str, role: str) -> str:
        with psycopg.connect(database.owner, autocommit=True) as owner:
            return make_token(owner, name, Role(role), real_now())

    def as_owner(self, statement: str) -> None:
        with psycopg.connect(self.database.owner, autocommit=True) as owner:
            owner.execute(statement.encode())

    def count_events_with(self, text: str) -> int:
        """How many events hold these very bytes."""
        found = self.beside.execute(
            "SELECT count(*) FROM events WHERE position(%s IN state) > 0", [text.encode()]
        ).fetchone()
        assert found is not None
        return int(found[0])

    def kept_of(self, command_id: str) -> list[dict[str, Any]]:
        """The details that are kept of a command's refusals."""
        found = self.beside.execute(
            "SELECT detail FROM refusals WHERE command_id = %s ORDER BY id", [command_id]
        )
        return [detail for (detail,) in found]

    def query(self, statement: str) -> int:
        row = self.beside.execute(statement.encode()).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def served(database: Database, data: Path, *, followed: bool = True) -> Iterator[Served]:
    """A demo ledger whose clock stands in May 2022, its service, and mostly a follower."""
    asyncio.run(_start(database, data))
    prepare_read_models(database)
    tokens = _tokens(database)
    with (
        serving(database, data) as url,
        following(database) if followed else nullcontext(),
        psycopg.connect(database.writer, autocommit=True) as beside,
    ):
        desks = {role: Desk(url, token) for role, token in tokens.items()}
        try:
            yield Served(
                url,
                database,
                data,
                desks[Role.OPERATOR],
                desks[Role.APPROVER],
                desks[Role.AUDITOR],
                beside,
            )
        finally:
            for desk in desks.values():
                desk.close()


@contextmanager
def serving(
    database: Database, data: Path, *, tls: bool = False, proxies: int = 0, keep_alive: int = 5
) -> Iterator[str]:
    """Serve on a free port of the loopback interface; give the address."""
    settings = Settings(data=data, authority=AUTHORITY, tls=tls, proxies=proxies)
    app = create_app(settings, database)
    config = uvicorn.Config(
        app,
        port=0,
        http=Connection,
        log_level="warning",
        lifespan="on",
        proxy_headers=False,
        timeout_keep_alive=keep_alive,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()


@contextmanager
def following(database: Database) -> Iterator[None]:
    """Keep the read models up to date."""
    stop = threading.Event()
    thread = threading.Thread(target=run_projections, args=(database, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=20)
        assert not thread.is_alive()


class _OpeningDay:
    """The clock of the first fact: from the next one on, the ledger's own is moved back."""

    def now(self) -> datetime:
        return TODAY


async def _start(database: Database, data: Path) -> None:
    store = PostgresStore(database.writer, database.channel)
    writer = Writer(store, _OpeningDay(), open_secrets(data).peppers)
    await writer.start()
    offset = int((TODAY - real_now()).total_seconds())
    start = StartLedger(
        command_id="start", actor="operator:init", demo=True, clock_offset_seconds=offset
    )
    assert isinstance(await writer.execute(start), Recorded)
    await writer.stop()


def _tokens(database: Database) -> dict[Role, str]:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        return {role: make_token(owner, f"the-{role}", role, real_now()) for role in Role}
