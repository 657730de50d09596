"""Bare ASGI: what the hot routes and the edge of the application read and write."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
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


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The request's headers by name, in lower case. One that stands twice says nothing."""
    given = scope["headers"]
    headers: dict[bytes, bytes] = dict(given)
    if len(headers) != len(given):
        for name, times in Counter(name for name, _ in given).items():
            if times > 1:
                del headers[name]
    return headers


def refuse_other_bodies(headers: Mapping[bytes, bytes]) -> None:
    """Look at the headers before anything of the body is read.

    Raises:
        ProblemError: it is larger than 1 MiB, or it isn't declared as JSON.
    """
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > LARGEST_BODY:
        raise ProblemError(problem("too-large"))
    kind = headers.get(b"content-type", b"")
    if kind == _JSON or (length == b"0" and b"transfer-encoding" not in headers):
        return
    if kind.partition(b";")[0].strip().lower() != _JSON:
        raise ProblemError(problem("unsupported-media-type"))


async def read_body(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        ProblemError: it is larger than 1 MiB, and it is not read further than that.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = bytearray(body)
    while message.get("more_body"):
        message = await receive()
        parts += message.get("body", b"")
        if len(parts) > LARGEST_BODY:
            raise ProblemError(problem("too-large"))
    return bytes(parts)


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
