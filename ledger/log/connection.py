"""The log on PostgreSQL, asynchronous: one connection, used by one writer."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ledger.log.rows import (
    APPEND,
    LOCK_HEAD,
    READ,
    READ_REFERENCE,
    REFUSE,
    Head,
    RefusedCommand,
    Rows,
)
from ledger.log.store import StoredRow, StoreUnavailableError, StreamMovedError

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@contextmanager
def translated() -> Iterator[None]:
    """PostgreSQL's errors as the store's."""
    try:
        yield
    except psycopg.errors.UniqueViolation as e:
        raise StreamMovedError(str(e)) from e
    except (psycopg.OperationalError, psycopg.InterfaceError) as e:
        raise StoreUnavailableError(str(e)) from e


class PostgresSession:
    """See `Session`."""

    def __init__(self, connection: Connection, head: Head) -> None:
        self._connection = connection
        self.head = head

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        return await _fetch(self._connection, READ, (list(streams),))

    async def read_reference(self, after: int) -> list[StoredRow]:
        return await _fetch(self._connection, READ_REFERENCE, (after,))

    async def append(self, rows: Rows, minute: int) -> int:
        base = await _append(self._connection, rows, minute, None, None)
        if base is None:
            raise RuntimeError("log_head has no row")
        return base

    async def refuse(self, refused: Sequence[RefusedCommand], at: datetime) -> None:
        async with self._connection.cursor() as cursor:
            await cursor.executemany(REFUSE, [_refusal_row(each, at) for each in refused])


class PostgresStore:
    """See `Store`. It reconnects by itself when it is used again after a loss."""

    def __init__(self, conninfo: str, channel: str) -> None:
        self._conninfo = conninfo
        self._notify = f'NOTIFY "{channel}"'
        self._connection: Connection | None = None
        self._announcer: Connection | None = None

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        with translated():
            return await _fetch(await self._connected(), READ, (list(streams),))

    async def read_reference(self, after: int) -> list[StoredRow]:
        with translated():
            return await _fetch(await self._connected(), READ_REFERENCE, (after,))

    async def append(self, rows: Rows, minute: int, expected_reference: int) -> int | None:
        with translated():
            connection = await self._connected()
            return await _append(connection, rows, minute, expected_reference, minute)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[PostgresSession]:
        with translated():
            connection = await self._connected()
            async with connection.transaction():
                cursor = await connection.execute(LOCK_HEAD, prepare=True)
                row = await cursor.fetchone()
                if row is None:
                    raise RuntimeError("log_head has no row")
                yield PostgresSession(connection, Head(*row))

    async def announce(self) -> None:
        # On a connection of its own: a NOTIFY is a transaction, and the writer should not wait.
        with translated():
            if self._announcer is None or self._announcer.closed:
                self._announcer = await self._connect()
            await self._announcer.execute(self._notify)

    async def close(self) -> None:
        for connection in (self._connection, self._announcer):
            if connection is not None:
                with suppress(psycopg.Error):
                    await connection.close()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
        return self._connection

    async def _connect(self) -> Connection:
        connecting = psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        return await asyncio.wait_for(connecting, timeout=10)


async def _fetch(
    connection: Connection, query: str, parameters: tuple[Any, ...]
) -> list[StoredRow]:
    cursor = await connection.execute(query, parameters, prepare=True, binary=True)
    return await cursor.fetchall()


async def _append(
    connection: Connection,
    rows: Rows,
    minute: int,
    expected_reference: int | None,
    not_before: int | None,
) -> int | None:
    parameters = rows.parameters(
        minute, expected_reference=expected_reference, not_before=not_before
    )
    cursor = await connection.execute(APPEND, parameters, prepare=True)
    found = await cursor.fetchone()
    return found[0] if found else None


def _refusal_row(each: RefusedCommand, at: datetime) -> tuple[Any, ...]:
    refusal = each.refusal
    return (
        at,
        each.command_id,
        each.actor,
        each.command,
        refusal.reason.value,
        refusal.rule_version,
        Jsonb(refusal.detail),
    )
