"""A worker's connections: how many there may be, and how long one may stay without a request.

The server's own `limit_concurrency` would answer all with a 503 as soon as somebody holds too many
connections, those who were there before as well, and not as a problem. Its own time-out ends with
the first byte of a request, however long the others take.
"""

import logging
import resource
from asyncio import BaseTransport, TimerHandle
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.joining import Joining
from api.problems import CONTENT_TYPE, problem
from api.wire import Receive, Scope, Send, answer_problem, encode

_FILES: Final = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # below 0: as many as one likes
# Of one worker. Each takes a file descriptor, as do those turned away, and a few kilobytes.
CONNECTIONS: Final = 4_096 if _FILES < 0 else min(4_096, _FILES * 3 // 4)
# Bytes of a request that are not its body. The parser joins a header that comes in parts again and
# again, so that a few endless ones would stop everything else.
LARGEST_HEAD: Final = 65_536
# Of a body: each costs the parser as much as a small request's head. Six bytes announce one, and
# all of them are no more than a head, so that who sends too many is told, and not just cut off.
PIECES: Final = 10_000
QUEUED: Final = 8  # requests of a connection that wait for an earlier one's answer
WHOLE_WITHIN: Final = 10.0  # seconds from a connection's, or a request's, beginning to its end
READ_WITHIN: Final = 20.0  # seconds for the other side to take what was still to be sent

# The server warns of each stranger who sends something else, and they would fill the log.
_log: Final = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)

_UNREADABLE: Final = encode(problem("malformed"))
_NO_REQUEST: Final = b"\r\n".join(
    (
        b"HTTP/1.1 400 Bad Request",
        b"content-type: " + CONTENT_TYPE,
        b"content-length: %d" % len(_UNREADABLE),
        b"connection: close",
        b"",
        _UNREADABLE,
    )
)


class Connection(HttpToolsProtocol):
    """One that is too many is told to come back; one that does not ask or read in time is closed.

    One timer a connection looks at times when it fires. One for each request would cost the hot
    path more than all the rest that stands here.
    """

    _asking = False  # a request has begun, and is not whole
    _earlier: object = None  # the one that had begun before it
    _head = 0  # bytes of it so far that are not its body
    _pieces = 0  # of its body so far
    _since: float  # when that began for which we wait now
    _timer: TimerHandle

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to wait."""
        super().connection_made(Joining(transport, self.loop))  # type: ignore[arg-type]
        if len(self.connections) > CONNECTIONS:
            self.app = _turn_away
        self.logger = _log
        self._since = self.loop.time()
        self._timer = self.loop.call_later(WHOLE_WITHIN, self._look)

    def data_received(self, data: bytes) -> None:
        """Go on with a request, unless its head has no end."""
        self._head += len(data)
        super().data_received(data)
        if self._head > LARGEST_HEAD:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Give each request its time from its own beginning on.

        Raises:
            ValueError: there are too many at once. That ends the parsing.
        """
        if len(self.pipeline) >= QUEUED:
            raise ValueError("too many requests at once")
        super().on_message_begin()
        self._earlier = self.cycle
        self._asking = True
        self._pieces = 0
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Answer no more than this request, if it comes with the wish for another protocol.

        The parser leaves out what follows, so that a body is refused. Without one the wish is
        passed over, as RFC 9110 allows.
        """
        upgrading = self.parser.should_upgrade()
        if upgrading and _has_body(self.headers):
            self.app = _keep_protocol
        super().on_headers_complete()
        if upgrading:
            self.cycle.keep_alive = False
        self.headers = []  # what follows the body is none of them: no proxy looked at it

    def on_chunk_header(self) -> None:
        """Count the pieces of a body.

        Raises:
            ValueError: there are too many. That ends the parsing.
        """
        self._pieces += 1
        if self._pieces > PIECES:
            raise ValueError("a body in too many pieces")

    def on_body(self, body: bytes) -> None:
        """Leave its size to who reads it."""
        self._head -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for no more of it."""
        super().on_message_complete()
        self._asking = False
        self._head = 0

    def send_400_response(self, _: str) -> None:
        """Tell that this is no request, unless that would pass for an earlier one's answer."""
        is_its_own = self._asking and self.cycle is not self._earlier
        is_answered = is_its_own and self.cycle.response_started  # before its body was there
        if is_answered or (self._is_answering and (self.pipeline or not is_its_own)):
            self.transport.abort()
        else:
            self.transport.write(_NO_REQUEST)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close, if it took too long. What was answered may still be read, but not for ever."""
        now = self.loop.time()
        if not self._is_waited_for():
            self._since = now
        due = self._since + WHOLE_WITHIN
        if due > now and not self.transport.is_closing():
            self._timer = self.loop.call_at(due, self._look)
        else:
            self.transport.close()
            self._timer = self.loop.call_later(READ_WITHIN, self.transport.abort)

    def _is_waited_for(self) -> bool:
        """Whether the next step is the other side's, and the server's own time-out does not run."""
        if self.flow.write_paused:
            return True
        if self._is_answering and (self.pipeline or not self.cycle.more_body):
            return False
        return self._asking or self.timeout_keep_alive_task is None

    @property
    def _is_answering(self) -> bool:
        """Whether a request whose head is whole has no answer yet."""
        cycle = self.cycle  # None before the first
        return bool(self.pipeline) or not (cycle is None or cycle.response_complete)  # type: ignore[redundant-expr]


def _has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


async def _keep_protocol(_: Scope, __: Receive, send: Send) -> None:
    told = problem("malformed", "upgrade: there is none; ask by HTTP/1.1, without this header")
    await answer_problem(send, told, {"connection": "close"})


async def _turn_away(_: Scope, __: Receive, send: Send) -> None:
    await answer_problem(send, problem("overloaded"), {"connection": "close"})
