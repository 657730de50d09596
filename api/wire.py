"""Bare ASGI: what the hot routes and the edge of the application read and write."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from api.problems import CONTENT_TYPE, Problem, ProblemError, headers_for, problem

LARGEST_BODY: Final = 1024 * 1024

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

encode: Final = msgspec.json.Encoder().encode


def declared_length(scope: Scope) -> int:
    """The body's length as its header tells it, or 0."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body.

    Raises:
        ProblemError: it is larger than 1 MiB; it is not read further than that.
    """
    if declared_length(scope) > LARGEST_BODY:
        raise ProblemError(problem("too-large"))
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise ProblemError(problem("too-large"))
    return body


async def answer(
    send: Send, status: int, body: bytes, content_type: bytes = b"application/json"
) -> None:
    """Send a whole response."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer_problem(
    send: Send, told: Problem, extra: MutableMapping[str, str] | None = None
) -> None:
    """Send a problem, with the headers that belong to it."""
    body = encode(told)
    headers = [
        (b"content-type", CONTENT_TYPE),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    for name, value in {**headers_for(told), **(extra or {})}.items():
        headers.append((name.encode(), value.encode()))
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
