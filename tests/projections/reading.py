"""Brings read models up to date, and asks their asynchronous readers, from synchronous tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import psycopg

from ledger.postgres import Database
from projections.beside import Progress
from projections.checking import Difference, compare
from projections.connecting import connect, reader_conninfo
from projections.lag import Lag, lag
from projections.pages import head
from projections.projection import AnyProjection, AsyncConnection
from projections.registry import READ_MODELS
from projections.stepping import catch_up
from projections.waiting import wait_for

Answer = TypeVar("Answer")


def ask(database: Database, reader: Callable[[AsyncConnection], Awaitable[Answer]]) -> Answer:
    """What `reader` answers on a connection that only reads."""

    async def answer() -> Answer:
        async with await psycopg.AsyncConnection.connect(
            reader_conninfo(database), autocommit=True
        ) as connection:
            return await reader(connection)

    return asyncio.run(answer())


def wait_until(
    database: Database,
    position: int,
    *names: str,
    seconds: float = 20,
) -> None:
    """Wait for all read models, or for those named."""

    async def wait(connection: AsyncConnection) -> None:
        for name in names or [projection.name for projection in READ_MODELS]:
            await wait_for(connection, name, position, seconds)

    ask(database, wait)


def fold(database: Database, projections: tuple[AnyProjection, ...] = READ_MODELS) -> None:
    """Take read models to the end of the log, here and now."""
    with connect(database) as connection:
        catch_up(connection, {p.name: p for p in projections}, head(connection))


def lag_of(database: Database, name: str) -> Lag:
    """How one read model does."""
    found = ask(database, lambda connection: lag(connection, database))
    return next(each for each in found if each.projection == name)


def check(
    database: Database,
    projections: Sequence[AnyProjection] = READ_MODELS,
    progress: Progress | None = None,
) -> list[Difference]:
    """Where the live read models are not what the log says."""
    return [
        each for model in compare(database, projections, progress) for each in model.differences
    ]
