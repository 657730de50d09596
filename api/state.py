"""What a running service holds, and how routes get at it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api.hotpath import Hotpath
from api.limits import Limit, failure_limit
from api.signatures import Sessions
from ledger.log.connection import PostgresStore
from ledger.postgres import Database
from ledger.secrets import Secrets, open_secrets
from ledger.settings import Settings
from ledger.values.clock import SystemClock
from ledger.writer import Writer
from projections.connecting import reader_conninfo

_PATIENCE: Final = 1.0  # seconds that a request waits for a connection

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the service, while it runs."""

    settings: Settings
    database: Database
    secrets: Secrets
    writer: Writer
    sessions: Sessions
    hotpath: Hotpath
    failures: Limit  # of an address to prove who asks
    tokens: Pool  # as the writer's role: tokens, nonces, devices' keys; no reader can use it up
    views: Pool  # as the projector's role: read models


class UncountedProxiesError(ValueError):
    """Something stands in front, and nothing says how to tell who comes through it."""


def require_counted_proxies(settings: Settings) -> None:
    """Refuse to take all the world for one address, whose failures would lock all of it out.

    Raises:
        UncountedProxiesError: TLS is declared to end in front, and no proxy is counted.
    """
    if settings.tls and not settings.proxies:
        raise UncountedProxiesError(
            "SOUCHE_TLS says that TLS ends in front of this service: set SOUCHE_PROXIES to how many"
            " proxies of yours stand there, each adding to X-Forwarded-For (usually 1)"
        )


@asynccontextmanager
async def running(settings: Settings, database: Database) -> AsyncIterator[Service]:
    """A service that has started; at the end it finishes what waits and leaves.

    Raises:
        UncountedProxiesError: TLS is declared to end in front, and no proxy is counted.
    """
    require_counted_proxies(settings)
    keys = open_secrets(settings.data)
    store = PostgresStore(database.writer, database.channel)
    writer = Writer(store, SystemClock(), keys.peppers)
    sessions = Sessions(keys.session_key, settings.signed_authority)
    await writer.start()
    try:
        async with _pool(database.writer) as tokens, _pool(reader_conninfo(database)) as views:
            hotpath = Hotpath(sessions, writer)
            yield Service(
                settings,
                database,
                keys,
                writer,
                sessions,
                hotpath,
                failure_limit(),
                tokens,
                views,
            )
    finally:
        await writer.stop()


def _pool(conninfo: str) -> Pool:
    return AsyncConnectionPool(
        conninfo,
        min_size=0,
        max_size=8,
        timeout=_PATIENCE,
        reconnect_timeout=_PATIENCE,  # its pauses double: after an outage it would sleep on
        kwargs={"autocommit": True},
        open=False,
        check=AsyncConnectionPool.check_connection,
    )


async def service_of(request: Request) -> Service:
    """The service that this request came to."""
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(service_of)]
