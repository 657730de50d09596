"""A worker's connections: how many there may be, and how long one may stay without a request.

The server's own `limit_concurrency` would answer all with a 503 as soon as somebody holds too many
connections, those who were there before as well, and not as a problem.
"""

from asyncio import BaseTransport
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.problems import problem
from api.wire import Receive, Scope, Send, answer_problem

CONNECTIONS: Final = 4_096  # of one worker; each takes a file descriptor, and a few kilobytes


class Connection(HttpToolsProtocol):
    """One that is too many is told to come back; those that were there before go on."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Look at it once now, and once when it should have asked for something."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if len(self.connections) > CONNECTIONS:
            self.app = _turn_away
        self.loop.call_later(self.timeout_keep_alive, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if self.cycle is None:  # until a request's headers are whole
            self.transport.close()  # type: ignore[unreachable]


async def _turn_away(_: Scope, __: Receive, send: Send) -> None:
    await answer_problem(send, problem("overloaded"), {"connection": "close"})
