"""The log on PostgreSQL, asynchronous: as many connections as its writer has batches in flight."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
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
from ledger.log.statements import ANSWER_WITHIN, Connection, Statement, Value
from ledger.log.store import StoredRow, StoreUnavailableError, StreamMovedError

# Every statement of the writer is a walk down an index. Left to its statistics, which lag behind a
# log that grows, the planner now and then reads the whole table instead, or sorts what comes
# sorted: five to fifteen times slower. And a writer that is stopped while it holds the head must
# not stop the others for long, nor may whoever else holds a lock leave them without an answer.
# Whatever the server, the database or the role are set to, a commit is on disk when it is told;
# less is to be had only by a connection string that asks for it, as a test of the losses does.
_SESSION: Final = Statement(
    "session",
    """
SELECT set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
       set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('idle_in_transaction_session_timeout', '10s', false),
       set_config('lock_timeout', '5s', false),
       (SELECT set_config(name, 'on', false) FROM pg_settings
        WHERE name = 'synchronous_commit' AND setting = 'off' AND source <> 'client')
""",
)
_READ: Final = Statement("read", READ)
_READ_REFERENCE: Final = Statement("read_reference", READ_REFERENCE)
_READ_HEAD: Final = Statement("read_head", READ_HEAD)
_LOCK_HEAD: Final = Statement("lock_head", LOCK_HEAD)
_APPEND: Final = Statement("append", APPEND)

CONNECT_WITHIN: Final = 4  # seconds, for each host that the connection string names

# A server that was demoted to a standby, that ended a transaction which stood still or waited too
# long for a lock, or that no longer knows a statement, is none that a command is to blame for.
_OUT_OF_REACH: Final = (
    psycopg.OperationalError,  # LockNotAvailable is one
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.InvalidSqlStatementName,
)


class _Translated:
    """A block in which PostgreSQL's errors become the store's."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if isinstance(error, psycopg.errors.UniqueViolation):
            raise StreamMovedError(str(error)) from error
        if isinstance(error, TimeoutError):
            raise StoreUnavailableError("it did not answer in time") from error
        if isinstance(error, _OUT_OF_REACH):
            raise StoreUnavailableError(str(error)) from error


translated: Final = _Translated()


class PostgresSession:
    """See `Session`."""

    def __init__(self, connection: Connection, head: Head) -> None:
        self._connection = connection
        self.head = head

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        return await self._connection.ask(_READ, {"streams": Texts(streams)})

    async def read_reference(self, after: int) -> list[StoredRow]:
        return await self._connection.ask(_READ_REFERENCE, {"after": after})

    async def append(self, rows: Rows, minute: int) -> int:
        base = _base(await self._connection.ask(_APPEND, rows.parameters(minute)))
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
        usual = {
            "connect_timeout": CONNECT_WITHIN,
            "keepalives_idle": 5,
            "tcp_user_timeout": 10_000,
        }
        self._conninfo = make_conninfo(conninfo, **{**usual, **conninfo_to_dict(conninfo)})
        self._notify = f'NOTIFY "{channel}"'
        self._idle: list[Connection] = []

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        return await self._ask(_READ, {"streams": Texts(streams)})

    async def read_reference(self, after: int) -> list[StoredRow]:
        return await self._ask(_READ_REFERENCE, {"after": after})

    async def head(self) -> Head:
        return _head(await self._ask(_READ_HEAD, {}))

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        parameters = rows.parameters(
            minute, expected_reference=expected_reference, not_before=minute, clock=clock
        )
        return _base(await self._ask(_APPEND, parameters))

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[PostgresSession]:
        async with self._connection() as connection, connection.transaction():
            yield PostgresSession(connection, _head(await connection.ask(_LOCK_HEAD, {})))

    async def announce(self) -> None:
        # A statement of its own: appends should not wait for the listeners.
        async with self._connection() as connection:
            await connection.execute(self._notify)

    async def close(self) -> None:
        await self._drop_idle()

    async def _ask(self, statement: Statement, values: Mapping[str, Value]) -> list[StoredRow]:
        """One statement, which is a transaction: as `_connection`, in a third of its time."""
        with translated:
            connection = await self._take()
            try:
                return await connection.ask(statement, values)
            except psycopg.Error as e:
                await _distrust(connection, e)
                raise
            finally:
                await self._put_back(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with translated:
            connection = await self._take()
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    yield connection
            except psycopg.Error as e:
                await _distrust(connection, e)
                raise
            finally:
                await self._put_back(connection)

    async def _take(self) -> Connection:
        """An idle connection, or a new one: there are as many as batches in flight."""
        return self._idle.pop() if self._idle else await self._connect()

    async def _put_back(self, connection: Connection) -> None:
        """Keep the connection for the next one, where it can be used again."""
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
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
        # Where the driver prepares statements of its own, it has the server forget all of them,
        # ours as well, whenever a transaction is rolled back.
        connection = await Connection.connect(
            self._conninfo, autocommit=True, prepare_threshold=None
        )
        try:
            await connection.ask(_SESSION, {})
        except BaseException:
            await connection.close()
            raise
        return connection


async def _distrust(connection: Connection, error: psycopg.Error) -> None:
    """Close a connection after an error that may be its own, or the next command would meet it.

    The server may be none that writes any more, or have lost the connection's statements. Only
    that a stream has moved is no fault of anybody's.
    """
    if not isinstance(error, psycopg.errors.UniqueViolation):
        await connection.close()


def _head(found: list[tuple[Any, ...]]) -> Head:
    if not found:
        raise RuntimeError("log_head has no row")
    return Head(*found[0])


def _base(found: list[tuple[Any, ...]]) -> int | None:
    return found[0][0] if found else None


def _refusal_row(each: RefusedCommand, at: datetime) -> tuple[Any, ...]:
    refusal = each.refusal
    return (
        at,
        each.command_id,
        each.actor,
        each.command,
        refusal.reason.value,
        refusal.rule_version,
        Jsonb(each.detail),
    )
