"""A worker's connections: how many there may be, and how long one may stay without a request.

The server's own `limit_concurrency` would answer all with a 503 as soon as somebody holds too many
connections, those who were there before as well, and not as a problem. Its own time-out ends with
the first byte of a request, however long the others take.
"""

from asyncio import BaseTransport, TimerHandle
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.joining import Joining
from api.problems import problem
from api.wire import Receive, Scope, Send, answer_problem

CONNECTIONS: Final = 4_096  # of one worker; each takes a file descriptor, and a few kilobytes
WHOLE_WITHIN: Final = 10.0  # seconds from a connection's, or a request's, beginning to its end


class Connection(HttpToolsProtocol):
    """One that is too many is told to come back, and one that does not finish asking is closed."""

    _patience: TimerHandle | None = None  # while we wait for the rest of a request

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to wait."""
        super().connection_made(Joining(transport, self.loop))  # type: ignore[arg-type]
        if len(self.connections) > CONNECTIONS:
            self.app = _turn_away
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting, unless a whole request is being answered now."""
        super().data_received(data)
        cycle = self.cycle  # None before the first request
        if cycle is None or cycle.more_body or cycle.response_complete:  # type: ignore[redundant-expr]
            self._wait()
        elif self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(WHOLE_WITHIN, self.transport.close)


async def _turn_away(_: Scope, __: Receive, send: Send) -> None:
    await answer_problem(send, problem("overloaded"), {"connection": "close"})
