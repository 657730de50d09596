"""A body over 1 MiB is refused before it is read whole, declared or not."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import Request

from api.app import _limited
from api.wire import LARGEST_BODY, Message, Receive, read_body
from tests.api.asking import BODIES, SIGNED, example_of
from tests.api.device import Device
from tests.api.ledgers import Served

PATHS = [example_of(f"POST {path}") for path in BODIES]
HOT = [example_of(f"POST {path}") for path in SIGNED]
COLD = [path for path in PATHS if path not in HOT]


@contextmanager
def connected(service: Served) -> Iterator[socket.socket]:
    url = httpx.URL(service.url)
    with socket.create_connection((url.host, url.port or 0), timeout=10) as found:
        yield found


def head(service: Served, path: str, *lines: str) -> bytes:
    token = service.operator.http.headers["authorization"]
    told = [
        f"POST {path} HTTP/1.1",
        "Host: clearing.example.org",
        "Content-Type: application/json",
        f"Authorization: {token}",
        *lines,
    ]
    return "\r\n".join([*told, "", ""]).encode()


def signature(device: Device, path: str, body: bytes) -> list[str]:
    """Header lines by which a device signs a body."""
    headers = device.sign(path, body).headers.items()
    return [f"{name}: {value}" for name, value in headers if name != "content-type"]


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """The next response, whatever is still to be sent."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    headers, _, body = received.partition(b"\r\n\r\n")
    status = int(headers.split(b" ")[1])
    length = next(
        int(line.split(b":")[1])
        for line in headers.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return status, body[:length]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("declared", [LARGEST_BODY + 1, 10**12])
def test_a_declared_length_is_refused_before_any_of_it_is_sent(
    shared: Served, path: str, declared: int
) -> None:
    with connected(shared) as connection:
        connection.sendall(head(shared, path, f"Content-Length: {declared}"))
        status, body = answer(connection)

    assert status == 413
    assert b"urn:souche:problem:too-large" in body


def test_a_length_that_no_message_has_is_refused_by_the_server(shared: Served) -> None:
    with connected(shared) as connection:
        connection.sendall(head(shared, PATHS[0], f"Content-Length: {10**30}"))
        status, _ = answer(connection)

    assert 400 <= status < 500


@pytest.mark.parametrize("path", PATHS)
def test_chunks_are_refused_as_soon_as_they_are_too_much(
    shared: Served, device: Device, path: str
) -> None:
    """The last chunk never comes: the answer does not wait for it."""
    before = shared.log_size()
    with connected(shared) as connection:
        signed = signature(device, path, b"") if path in HOT else []
        connection.sendall(head(shared, path, "Transfer-Encoding: chunked", *signed))
        for _ in range(17):
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        status, body = answer(connection)

    assert status == 413
    assert b"urn:souche:problem:too-large" in body
    assert shared.log_size() == before


@pytest.mark.parametrize("path", HOT)
def test_who_has_not_signed_is_refused_before_any_of_a_body_is_read(
    shared: Served, path: str
) -> None:
    """Else each connection of a stranger could have us keep a mebibyte."""
    with connected(shared) as connection:
        connection.sendall(head(shared, path, f"Content-Length: {LARGEST_BODY}"))
        status, body = answer(connection)

    assert status == 401
    assert b"urn:souche:problem:unauthenticated" in body


@pytest.mark.parametrize("path", [HOT[0], COLD[0]])
def test_a_body_that_comes_after_its_headers_is_waited_for(
    shared: Served, device: Device, path: str
) -> None:
    with connected(shared) as connection:
        signed = signature(device, path, b"{}") if path in HOT else []
        connection.sendall(head(shared, path, "Content-Length: 2", *signed))
        for part in (b"{", b"}"):
            time.sleep(0.2)
            connection.sendall(part)
        status, body = answer(connection)

    assert (status, json.loads(body)["reason"]) == (422, "invalid")


@pytest.mark.parametrize("path", PATHS)
def test_chunks_that_are_not_too_much_are_read(shared: Served, path: str) -> None:
    """Read, and refused for what they say."""
    with connected(shared) as connection:
        connection.sendall(head(shared, path, "Transfer-Encoding: chunked"))
        connection.sendall(b"2\r\n{}\r\n0\r\n\r\n")
        status, _ = answer(connection)

    assert status in {401, 403, 422}


@pytest.mark.parametrize("path", ["/v1/redemptions", "/v1/venues"])
def test_a_mebibyte_in_single_bytes_is_read_in_time(path: str) -> None:
    """A part at a time, each once: what has been read is not copied for each part that comes."""
    left = LARGEST_BODY

    async def receive() -> Message:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": b" ", "more_body": left > 0}

    began = time.monotonic()
    assert len(asyncio.run(read(path, receive))) == LARGEST_BODY
    assert time.monotonic() - began < 40  # copying all of it each time takes minutes


async def read(path: str, receive: Receive) -> bytes:
    """As the hot path reads a body, or as the framework does."""
    if path == "/v1/redemptions":
        return await read_body(receive)
    return await Request({"type": "http", "headers": []}, _limited(receive)).body()


def test_one_mebibyte_is_read(device: Device) -> None:
    """To the byte, and not one more."""
    body = b'{"codes": ["hello"]}'
    largest = body + b" " * (LARGEST_BODY - len(body))

    assert device.send(device.sign("/v1/checks", largest)).status_code == 200
    too_large = device.send(device.sign("/v1/checks", largest + b" "))
    assert too_large.status_code == 413


def test_whoever_waits_for_leave_to_send_does_not_get_it(shared: Served) -> None:
    with connected(shared) as connection:
        asked = head(shared, "/v1/venues", f"Content-Length: {10**9}", "Expect: 100-continue")
        connection.sendall(asked)
        status, _ = answer(connection)

    assert status == 413


def test_an_address_that_is_not_ascii_is_refused(shared: Served) -> None:
    with connected(shared) as connection:
        connection.sendall(b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n")
        status, _ = answer(connection)

    assert 400 <= status < 500
