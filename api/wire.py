"""Bare ASGI: what the hot routes and the edge of the application read and write."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from api.problems import CONTENT_TYPE, Problem, ProblemError, headers_for, problem

LARGEST_BODY: Final = 1024 * 1024
_JSON: Final = b"application/json"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

encode: Final = msgspec.json.Encoder().encode


def refuse_other_bodies(scope: Scope) -> None:
    """Look at the headers before anything of the body is read.

    Raises:
        ProblemError: it is larger than 1 MiB, or it isn't declared as JSON.
    """
    has_body, kind = False, b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind = value
        elif name == b"content-length":
            has_body = value != b"0"
            if value.isdigit() and int(value[:20]) > LARGEST_BODY:
                raise ProblemError(problem("too-large"))
        elif name == b"transfer-encoding":
            has_body = True
    if has_body and kind != _JSON and kind.partition(b";")[0].strip().lower() != _JSON:
        raise ProblemError(problem("unsupported-media-type"))


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body.

    Raises:
        ProblemError: it is larger than 1 MiB, and it is not read further than that; or it isn't
            declared as JSON.
    """
    refuse_other_bodies(scope)
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise ProblemError(problem("too-large"))
    return body


async def answer(send: Send, status: int, body: bytes, content_type: bytes = _JSON) -> None:
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
