"""Bare ASGI: what the hot routes and the edge of the application read and write."""

from asyncio import timeout
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping
from types import coroutine
from typing import Any, Final

import msgspec

from api.problems import CONTENT_TYPE, Problem, ProblemError, headers_for, problem

LARGEST_BODY: Final = 1024 * 1024
BODY_SECONDS: Final = 10.0  # that a body may take to arrive
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
        ProblemError: it is larger than 1 MiB, and it is not read further than that; or it isn't
            there in time.
    """
    asked = receive().__await__()
    first: Message = {}
    waits_for = None
    try:
        waits_for = next(asked)
    except StopIteration as e:  # it came with its headers, as most do: a timer would be dear
        first = e.value
        if not first.get("more_body"):
            body: bytes = first.get("body", b"")
            return body
    try:
        async with timeout(BODY_SECONDS):
            return await _read_on(first or await _resumed(asked, waits_for), receive)
    except TimeoutError as e:
        raise ProblemError(problem("too-slow")) from e


@coroutine
def _resumed(
    asked: Generator[Any, Any, Message], waits_for: object
) -> Generator[Any, Any, Message]:
    """Await what has begun already, and waits for something."""
    yield waits_for
    return (yield from asked)


async def _read_on(message: Message, receive: Receive) -> bytes:
    parts = bytearray(message.get("body", b""))
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
