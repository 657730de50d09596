"""Asks the asynchronous readers from synchronous tests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg

from ledger.postgres import Database
from projections.connecting import reader_conninfo
from projections.projection import AsyncConnection
from projections.registry import READ_MODELS
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
