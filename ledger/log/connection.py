"""The log on PostgreSQL, asynchronous: as many connections as its writer has batches in flight."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from ledger.log.arrays import Texts
from ledger.log.rows import (
    APPEND,
    LOCK_HEAD,
    READ,
    READ_HEAD,
    READ_REFERENCE,
    REFUSE,
    Head,
    RefusedCommand,
    Rows,
)
from ledger.log.store import StoredRow, StoreUnavailableError, StreamMovedError

# Every statement of the writer is a walk down an index. Left to its statistics, which lag behind a
# log that grows, the planner now and then reads the whole table instead, or sorts what comes
# sorted: five to fifteen times slower. And a writer that is stopped while it holds the head must
# not stop the others for long, nor may whoever else holds a lock leave them without an answer.
# Whatever the server, the database or the role are set to, a commit is on disk when it is told;
# less is to be had only by a connection string that asks for it, as a test of the losses does.
SESSION: Final = """
SELECT set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
       set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('idle_in_transaction_session_timeout', '10s', false),
       set_config('lock_timeout', '5s', false),
       (SELECT set_config(name, 'on', false) FROM pg_settings
        WHERE name = 'synchronous_commit' AND setting = 'off' AND source <> 'client')
"""

CONNECT_WITHIN: Final = 10  # seconds
# Longer than any lock is waited for. A server that stands still, or whose disk does, is none that
# callers should wait for: they are told that the outcome is unknown, five seconds later, which the
# driver gives a statement to end.
ANSWER_WITHIN: Final = 7  # seconds

# A server that was demoted to a standby, or that ended a transaction which stood still or waited
# too long for a lock, is none that a command is to blame for.
_OUT_OF_REACH: Final = (
    psycopg.OperationalError,  # LockNotAvailable is one
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


class Connection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """A connection whose statements are given up and never cancelled.

    A commit that waits for a standby would end, cancelled, as if the standby had it: a retry would
    find its first attempt and be answered before it is as durable as the administrator asked for.
    """

    async def cancel_safe(self, *, timeout: float = 30.0) -> None:  # noqa: ASYNC109 (the driver's)
        """Do nothing. The session is closed instead."""


@contextmanager
def translated() -> Iterator[None]:
    """PostgreSQL's errors as the store's."""
    try:
        yield
    except psycopg.errors.UniqueViolation as e:
        raise StreamMovedError(str(e)) from e
    except TimeoutError as e:
        raise StoreUnavailableError("it did not answer in time") from e
    except _OUT_OF_REACH as e:
        raise StoreUnavailableError(str(e)) from e


class PostgresSession:
    """See `Session`."""

    def __init__(self, connection: Connection, head: Head) -> None:
        self._connection = connection
        self.head = head

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        return await _fetch(self._connection, READ, (Texts(streams),))

    async def read_reference(self, after: int) -> list[StoredRow]:
        return await _fetch(self._connection, READ_REFERENCE, (after,))

    async def append(self, rows: Rows, minute: int) -> int:
        base = await _append(self._connection, rows.parameters(minute))
        if base is None:
            raise RuntimeError("log_head has no row")
        return base

    async def refuse(self, refused: Sequence[RefusedCommand], at: datetime) -> None:
        async with self._connection.cursor() as cursor:
            await cursor.executemany(REFUSE, [_refusal_row(each, at) for each in refused])


class PostgresStore:
    """See `Store`. It reconnects by itself when it is used again after a loss."""

    def __init__(self, conninfo: str, channel: str) -> None:
        # A host that vanished is noticed in seconds, not when TCP gives up.
        self._conninfo = make_conninfo(conninfo, keepalives_idle=5, tcp_user_timeout=10_000)
        self._notify = f'NOTIFY "{channel}"'
        self._idle: list[Connection] = []

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        async with self._connection() as connection:
            return await _fetch(connection, READ, (Texts(streams),))

    async def read_reference(self, after: int) -> list[StoredRow]:
        async with self._connection() as connection:
            return await _fetch(connection, READ_REFERENCE, (after,))

    async def head(self) -> Head:
        async with self._connection() as connection:
            return await _head(connection, READ_HEAD)

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        parameters = rows.parameters(
            minute, expected_reference=expected_reference, not_before=minute, clock=clock
        )
        async with self._connection() as connection:
            return await _append(connection, parameters)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[PostgresSession]:
        async with self._connection() as connection, connection.transaction():
            yield PostgresSession(connection, await _head(connection, LOCK_HEAD))

    async def announce(self) -> None:
        # A statement of its own: appends should not wait for the listeners.
        async with self._connection() as connection:
            await connection.execute(self._notify)

    async def close(self) -> None:
        await self._drop_idle()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """An idle connection, or a new one: there are as many as batches in flight."""
        with translated():
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    yield connection
            except psycopg.errors.ReadOnlySqlTransaction:  # the next one finds who writes now
                await connection.close()
                raise
            finally:
                await self._put_back(connection)

    async def _put_back(self, connection: Connection) -> None:
        """Keep the connection for the next one, where it can be used again."""
        if connection.info.transaction_status is TransactionStatus.IDLE:
            self._idle.append(connection)
            return
        # What broke this one, a restart most likely, broke those as well that nobody uses just
        # now. Each of them would cost a batch its answer. Else it was left in the middle.
        if connection.closed:
            await self._drop_idle()
        await connection.close()

    async def _drop_idle(self) -> None:
        while self._idle:
            with suppress(psycopg.Error):
                await self._idle.pop().close()

    async def _connect(self) -> Connection:
        async with asyncio.timeout(CONNECT_WITHIN):
            connection = await Connection.connect(self._conninfo, autocommit=True)
            try:
                await connection.execute(SESSION)
            except BaseException:
                await connection.close()
                raise
            return connection


async def _fetch(
    connection: Connection, query: str, parameters: tuple[Any, ...]
) -> list[StoredRow]:
    cursor = await connection.execute(query, parameters, prepare=True, binary=True)
    return await cursor.fetchall()


async def _head(connection: Connection, query: str) -> Head:
    cursor = await connection.execute(query, prepare=True)
    row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("log_head has no row")
    return Head(*row)


async def _append(connection: Connection, parameters: dict[str, Any]) -> int | None:
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
