"""Prepared statements on libpq itself: the writer's way to its log.

The driver's cursor, and what it waits with, take 75 µs of processor time for a statement where 35
do. Numbers and arrays go out, and numbers and bytes come back, all in binary. The driver goes on
to connect, to load rows, and to do all that is not done for every batch.
"""

import asyncio
import re
from collections.abc import Mapping
from struct import Struct
from typing import Any, Final

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from ledger.log.arrays import Array

_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)b")
_BIGINT: Final = Struct("!q").pack
_DONE: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)

# Longer than any lock is waited for. A server that stands still, or whose disk does, is none that
# callers should wait for: they are told that the outcome is unknown.
ANSWER_WITHIN: Final = 7  # seconds

Value = int | Array | None


class Statement:
    """A query whose parameters the driver would find by their names, as %(name)b, numbered."""

    def __init__(self, name: str, query: str) -> None:
        self.name = name.encode()
        self.parameters = tuple(dict.fromkeys(_PLACEHOLDER.findall(query)))
        number = {each: f"${n}" for n, each in enumerate(self.parameters, start=1)}
        self.query = _PLACEHOLDER.sub(lambda found: number[found[1]], query).encode()
        self.formats = [Format.BINARY] * len(self.parameters)


class Connection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """A connection whose statements are given up and never cancelled.

    A commit that waits for a standby would end, cancelled, as if the standby had it: a retry would
    find its first attempt and be answered before it is as durable as the administrator asked for.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 (the driver's)
        super().__init__(*arguments, **named)
        self._statements: set[Statement] = set()
        self._loader = Transformer()

    async def cancel_safe(self, *, timeout: float = 30.0) -> None:  # noqa: ASYNC109 (the driver's)
        """Do nothing. The session is closed instead."""

    async def ask(self, statement: Statement, values: Mapping[str, Value]) -> list[tuple[Any, ...]]:
        """Execute a statement, and fetch all its rows. It is prepared once.

        Raises:
            psycopg.Error: as the driver would.
            TimeoutError: there is no answer. The connection can't be used any more.
        """
        until = asyncio.get_running_loop().time() + ANSWER_WITHIN
        if statement not in self._statements:
            self.pgconn.send_prepare(statement.name, statement.query)
            await self._answer(until)
            self._statements.add(statement)
        sent = [_packed(values[name]) for name in statement.parameters]
        self.pgconn.send_query_prepared(statement.name, sent, statement.formats, Format.BINARY)
        result = await self._answer(until)
        self._loader.set_pgresult(result)
        return self._loader.load_rows(0, result.ntuples, tuple)

    async def _answer(self, until: float) -> PGresult:
        """The one result of what was sent, once the server is done with it.

        A statement has given its rows before it commits. Where the commit fails, rows and a good
        result are followed by another one, which is the error.
        """
        server = self.pgconn
        results: list[PGresult] = []
        while True:
            while (unsent := server.flush()) or server.is_busy():
                await _ready(server.socket, until, to_write=bool(unsent))
                server.consume_input()
            if (result := server.get_result()) is None:
                break
            results.append(result)
        for result in results:
            if result.status not in _DONE:
                raise self._error(result)
        if len(results) != 1:
            raise psycopg.InterfaceError(f"{len(results)} results of one statement")
        return results[0]

    def _error(self, result: PGresult) -> psycopg.Error:
        if self.pgconn.status == ConnStatus.BAD:
            return psycopg.OperationalError(result.get_error_message())
        return error_from_result(result)


async def _ready(socket: int, until: float, *, to_write: bool) -> None:
    """Wait until the socket can be read, or also written.

    Nobody listens to it any more once this is left. What libpq is asked next may close it, and
    whoever opens a file after that gets its number.

    Raises:
        TimeoutError: it can't, until then.
    """
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    patience = loop.call_at(until, _settle, ready, TimeoutError())
    try:
        loop.add_reader(socket, _settle, ready)
        if to_write:
            loop.add_writer(socket, _settle, ready)
        await ready
    finally:
        patience.cancel()
        loop.remove_reader(socket)
        if to_write:
            loop.remove_writer(socket)


def _settle(ready: "asyncio.Future[None]", error: Exception | None = None) -> None:
    if ready.done():  # it was cancelled, or can be read and written
        return
    if error is None:
        ready.set_result(None)
    else:
        ready.set_exception(error)


def _packed(value: Value) -> bytes | None:
    if value is None:
        return None
    return _BIGINT(value) if isinstance(value, int) else value.packed()
