"""Prepared statements on libpq itself: the writer's way to its log.

The driver's cursors take the writer 75 µs of processor time a statement, and libpq asked directly
takes 35. What is prepared, sent and received is as there; the driver loads the rows, and connects,
and does all that is not done for every batch.
"""

import asyncio
import re
from collections.abc import Mapping
from struct import Struct
from typing import Any, Final

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import ReadOnlySqlTransaction, error_from_result
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
        self.demoted = False  # to a standby: another server writes now
        self._statements: set[Statement] = set()
        self._loader = Transformer(self)

    async def cancel_safe(self, *, timeout: float = 30.0) -> None:  # noqa: ASYNC109 (the driver's)
        """Do nothing. The session is closed instead."""

    async def ask(self, statement: Statement, values: Mapping[str, Value]) -> list[tuple[Any, ...]]:
        """Execute a statement, and fetch all its rows. It is prepared once.

        Raises:
            psycopg.Error: as the driver would.
            TimeoutError: there is no answer. The connection can't be used any more.
        """
        if statement not in self._statements:
            self.pgconn.send_prepare(statement.name, statement.query)
            await self._answer()
            self._statements.add(statement)
        sent = [_packed(values[name]) for name in statement.parameters]
        self.pgconn.send_query_prepared(statement.name, sent, statement.formats, Format.BINARY)
        result = await self._answer()
        self._loader.set_pgresult(result)
        return self._loader.load_rows(0, result.ntuples, tuple)

    async def _answer(self) -> PGresult:
        """The one result of what was sent, once all of it is here."""
        server = self.pgconn
        results: list[PGresult] = []
        while True:
            if server.flush() or server.is_busy():
                await self._settled()
            if (result := server.get_result()) is None:
                break
            results.append(result)
        first = results[0]  # a second one tells that the connection was lost over it
        if first.status in _DONE:
            return first
        if server.status == ConnStatus.BAD:
            raise psycopg.OperationalError(first.get_error_message())
        error = error_from_result(first)
        self.demoted = isinstance(error, ReadOnlySqlTransaction)
        raise error

    async def _settled(self) -> None:
        """Wait until all is sent, and the next result is here."""
        loop, server = asyncio.get_running_loop(), self.pgconn
        socket, settled = server.socket, loop.create_future()

        def look() -> None:
            try:
                server.consume_input()
                if server.flush():
                    return
                loop.remove_writer(socket)
                if not server.is_busy():
                    settle(None)
            except psycopg.Error as e:
                settle(e)

        def settle(error: Exception | None) -> None:
            if settled.done():  # given up meanwhile
                return
            if error is None:
                settled.set_result(None)
            else:
                settled.set_exception(error)

        patience = loop.call_later(ANSWER_WITHIN, settle, TimeoutError())
        loop.add_reader(socket, look)
        if server.flush():
            loop.add_writer(socket, look)
        try:
            await settled
        finally:
            patience.cancel()
            loop.remove_reader(socket)
            loop.remove_writer(socket)


def _packed(value: Value) -> bytes | None:
    if value is None:
        return None
    return _BIGINT(value) if isinstance(value, int) else value.packed()
