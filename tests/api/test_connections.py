"""Whoever holds many connections keeps nobody from the service who was there before."""

import asyncio
import http.client
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from unittest.mock import Mock

import httpx
import psycopg
import pytest
import uvicorn
from uvicorn.server import ServerState

from api import connections
from api.connections import Connection
from api.wire import Receive, Scope, Send, answer
from tests.api.device import Device
from tests.api.ledgers import Served, serving
from tests.api.operating import answered, refused


@contextmanager
def silent(url: str) -> Iterator[socket.socket]:
    """A connection on which nothing is asked."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as found:
        yield found


@pytest.fixture(scope="module")
def url(shared: Served) -> Iterator[str]:
    """A service whose own time-out is short."""
    with serving(shared.database, shared.data, keep_alive=1) as found:
        yield found


@pytest.fixture(scope="module")
def patient(shared: Served) -> Iterator[str]:
    """A service whose own time-out is long."""
    with serving(shared.database, shared.data, keep_alive=60) as found:
        yield found


def test_one_connection_too_many_is_told_to_come_back(
    shared: Served, spare: Device, carnet: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were there before are served, and so is who comes when there is room again."""
    monkeypatch.setattr(connections, "CONNECTIONS", 4)
    with serving(shared.database, shared.data) as url, httpx.Client(base_url=url) as before:
        spare.http = before
        spare.open_session()
        with ExitStack() as crowd, httpx.Client(base_url=url) as late:
            for _ in range(3):
                crowd.enter_context(silent(url))
            turned_away = late.get("/healthz")

            assert refused(turned_away, 503) == "overloaded"
            assert turned_away.headers["retry-after"] == "1"
            assert turned_away.headers["connection"] == "close"
            assert answered(spare.redeem(carnet[0]), 201)
        until = time.monotonic() + 10
        while httpx.get(f"{url}/healthz").status_code != 200:  # it has yet to see that they left
            assert time.monotonic() < until


WHOLE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
REFUSED = b"POST /v1/redemptions HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
READ = (
    b"POST /v1/challenges HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n"
    b"Content-Type: application/json\r\n\r\n"
)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b""),
        (WHOLE[:-2], b""),
        (READ, b"{"),
        (WHOLE, b"G"),
        (WHOLE + b"G", b""),
        (WHOLE, b"\r\n"),
        (REFUSED, b"{"),
        (REFUSED, b'{"a": 1 }'),
    ],
    ids=["nothing", "headers", "body", "second", "joined", "newline", "rest", "late"],
)
def test_who_does_not_finish_asking_is_not_waited_for(
    patient: str, monkeypatch: pytest.MonkeyPatch, first: bytes, then: bytes
) -> None:
    """Whatever was answered before. The server's own time-out would come much later."""
    monkeypatch.setattr(connections, "WHOLE_WITHIN", 0.5)
    with silent(patient) as connection:
        connection.sendall(first)
        time.sleep(0.2)
        connection.sendall(then)
        statuses_until_closed(connection)


def statuses_until_closed(connection: socket.socket) -> list[int]:
    received = b""
    with suppress(ConnectionResetError):  # some of what we sent was not read
        while part := connection.recv(65536):
            received += part
    return [int(each[:3]) for each in received.split(b"HTTP/1.1 ")[1:]]


def status(connection: socket.socket) -> int:
    """Of the next answer, which comes in one go, and which nothing follows."""
    return int(connection.recv(65536).split(b" ")[1])


@pytest.mark.parametrize("before", [b"", REFUSED], ids=["first", "next"])
def test_each_request_has_all_its_time(
    patient: str, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    """However long ago the connection was made, or one began that was refused by its head."""
    monkeypatch.setattr(connections, "WHOLE_WITHIN", 3)
    with silent(patient) as connection:
        if before:
            connection.sendall(before)
            assert status(connection) == 415
            connection.sendall(b'{"a": 1 }')
        for part in (WHOLE[:9], WHOLE[9:]):
            time.sleep(1.6)
            connection.sendall(part)
        assert status(connection) == 200


def test_who_has_nothing_to_ask_may_stay(patient: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the server's own time-out lets him."""
    monkeypatch.setattr(connections, "WHOLE_WITHIN", 0.5)
    with silent(patient) as connection:
        for _ in range(2):
            connection.sendall(WHOLE)
            assert status(connection) == 200
            time.sleep(1.5)


@pytest.mark.parametrize("then", [b"", WHOLE[:9], REFUSED], ids=["alone", "begun", "headers"])
def test_who_has_asked_is_answered_however_long_it_takes(
    shared: Served,
    spare: Device,
    carnet: list[str],
    monkeypatch: pytest.MonkeyPatch,
    then: bytes,
) -> None:
    """Whatever he has asked of the next request meanwhile."""
    monkeypatch.setattr(connections, "WHOLE_WITHIN", 0.8)
    with (
        serving(shared.database, shared.data, keep_alive=1) as url,
        httpx.Client(base_url=url) as before,
        psycopg.connect(shared.database.owner) as holder,
    ):
        spare.http = before
        spare.open_session()
        asked = redemption(spare, carnet[0])
        holder.execute("SELECT * FROM log_head FOR UPDATE")
        with silent(url) as connection:
            connection.sendall(asked)
            time.sleep(0.1)
            connection.sendall(then)
            time.sleep(2)
            holder.rollback()

            assert statuses_until_closed(connection)[0] == 201


def redemption(device: Device, code: str) -> bytes:
    """All of it, as it goes over the wire."""
    signed = device.sign("/v1/redemptions", json.dumps(device.claim(code)).encode())
    asked = device.http.build_request(
        "POST", signed.path, content=signed.body, headers=signed.headers
    )
    lines = [f"POST {signed.path} HTTP/1.1", *(f"{k}: {v}" for k, v in asked.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + signed.body


def test_a_few_requests_may_be_sent_at_once(url: str) -> None:
    with silent(url) as connection:
        connection.sendall(WHOLE * (1 + connections.QUEUED))
        assert statuses_until_closed(connection) == [200] * (1 + connections.QUEUED)


def test_many_requests_may_not_be_sent_at_once(url: str) -> None:
    """Each takes some kilobytes while it waits. No 400 passes for the first one's answer."""
    with silent(url) as connection:
        connection.sendall(WHOLE * 1000)
        statuses = statuses_until_closed(connection)

    assert len(statuses) < 1000
    assert 400 not in statuses


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /", b"a"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ", b"a"),
        (b"GET /healthz HTTP/1.1\r\n", b"x: y\r\n"),
        (
            REFUSED.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked") + b"0\r\n",
            b"x: y\r\n",
        ),
    ],
    ids=["path", "header", "headers", "trailers"],
)
def test_a_request_without_an_end_is_not_listened_to(url: str, begin: bytes, more: bytes) -> None:
    """Long before it has taken the time that a request may take."""
    with silent(url) as connection:
        began = time.monotonic()
        with suppress(ConnectionError):
            connection.sendall(begin)
            while time.monotonic() < began + connections.WHOLE_WITHIN / 2:
                connection.sendall(more * 1000)
                time.sleep(0.01)
        assert time.monotonic() < began + connections.WHOLE_WITHIN / 2


@pytest.mark.parametrize(("size", "letters"), [(1, 5_000), (100, 500_000), (5_000, 500_000)])
def test_a_body_may_come_in_small_pieces(url: str, size: int, letters: int) -> None:
    """Some clients send JSON as it is made."""
    body = b'{"a": "' + letters * b"a" + b'"}'
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    with silent(url) as connection:
        connection.sendall(READ.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked"))
        connection.sendall(b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces))
        connection.sendall(b"0\r\n\r\n")
        assert status(connection) == 422


def test_a_large_body_in_the_smallest_pieces_is_not_listened_to(url: str) -> None:
    """Neither while it is read nor once it was refused: a few would keep a worker busy."""
    for head in (READ, REFUSED.replace(b"\r\n\r\n", b"\r\nContent-Type: application/json\r\n\r\n")):
        with silent(url) as connection:
            began = time.monotonic()
            with suppress(ConnectionError):
                chunked = head.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked")
                connection.sendall(chunked)
                while time.monotonic() < began + connections.WHOLE_WITHIN / 2:
                    connection.sendall(b"1\r\na\r\n" * 10_000)
            assert time.monotonic() < began + connections.WHOLE_WITHIN / 2


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 16, 100])
async def test_who_sends_a_body_in_too_many_pieces_is_told(size: int) -> None:
    async def reading(_: Scope, receive: Receive, __: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    config = uvicorn.Config(reading, lifespan="off")
    connection = Connection(config, ServerState(), {}, asyncio.get_running_loop())
    transport = Mock(spec=asyncio.Transport)
    transport.is_closing.side_effect = lambda: transport.close.called
    transport.get_extra_info.return_value = None
    connection.connection_made(transport)
    connection.data_received(READ.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked"))
    piece = b"%x\r\n%b\r\n" % (size, size * b"a")
    for _ in range(connections.PIECES):
        connection.data_received(piece)
        assert not transport.close.called
    connection.data_received(piece)

    assert transport.write.call_args.args[0].startswith(b"HTTP/1.1 400 ")
    assert transport.close.called
    assert not transport.abort.called
    connection.connection_lost(None)


def test_what_follows_a_body_is_no_header_of_its_request(shared: Served) -> None:
    """Nobody else looked at it: not the proxy that says where a request came from."""
    token = shared.make_token(shared.database, "trailing", "auditor")
    trailer = b"Authorization: Bearer " + token.encode()
    head = (
        b"GET /v1/events/1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n"
    )
    with silent(shared.url) as connection:
        connection.sendall(head + trailer + b"\r\n\r\n0\r\n\r\n")
        assert status(connection) == 200
        connection.sendall(head + b"\r\n0\r\n" + trailer + b"\r\n\r\n")
        assert status(connection) == 401


@pytest.mark.parametrize("number", [1, 3])
def test_what_follows_a_request_is_not_taken_for_its_answer(url: str, number: int) -> None:
    """A device would take a 400 for a refusal, and its claim may be done."""
    with silent(url) as connection:
        connection.sendall(WHOLE * number + b"\x16\x03 no request")
        assert 400 not in statuses_until_closed(connection)


def test_what_is_no_request_is_told(url: str) -> None:
    with silent(url) as connection:
        connection.sendall(WHOLE)
        assert status(connection) == 200
        connection.sendall(b"\x16\x03 no request")
        assert statuses_until_closed(connection) == [400]


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n\r\n"


@pytest.mark.parametrize("at_once", [True, False])
def test_a_body_is_not_lost_with_the_wish_for_another_protocol(url: str, *, at_once: bool) -> None:
    """Some clients would rather speak HTTP/2, and say so wherever the connection is not encrypted.

    They are told. A redemption without its body would be told that its signature is wrong.
    """
    with silent(url) as connection:
        head = READ[:-2] + UPGRADE
        if at_once:
            connection.sendall(head + b'{"a": 1 }')
        else:
            connection.sendall(head)
            time.sleep(0.2)
            connection.sendall(b'{"a": 1 }')
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 400
        assert "ask by HTTP/1.1" in json.loads(response.read())["detail"]


@pytest.mark.parametrize("more", [b"", b"Content-Length: 0\r\n"])
def test_the_wish_for_another_protocol_alone_is_passed_over(url: str, more: bytes) -> None:
    """What follows on this connection would be lost; the next request has one of its own."""
    with silent(url) as connection:
        connection.sendall(WHOLE[:-2] + more + UPGRADE + WHOLE)
        assert statuses_until_closed(connection) == [200]


@pytest.mark.anyio
async def test_what_strangers_send_is_not_logged() -> None:
    """Also once the server has set up logging as it likes."""
    config = uvicorn.Config(ok, lifespan="off", log_level="warning")
    connection = Connection(config, ServerState(), {}, asyncio.get_running_loop())
    connection.connection_made(Mock(spec=asyncio.Transport))

    assert not connection.logger.isEnabledFor(logging.WARNING)
    assert connection.logger.isEnabledFor(logging.ERROR)
    connection.connection_lost(None)


def test_who_does_not_read_is_not_waited_for(
    shared: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server leaves when all its connections have ended, and this one has as well."""
    monkeypatch.setattr(connections, "WHOLE_WITHIN", 0.5)
    monkeypatch.setattr(connections, "READ_WITHIN", 0.5)
    monkeypatch.setattr(connections, "QUEUED", 1000)  # more than the system keeps for us
    with ExitStack() as unread, serving(shared.database, shared.data) as url:
        connection = unread.enter_context(silent(url))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        assert connection.recv(1)


@pytest.mark.anyio
async def test_what_is_left_at_the_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport that was closed stays as long as it has something to send."""
    monkeypatch.setattr(connections, "WHOLE_WITHIN", 0.1)
    monkeypatch.setattr(connections, "READ_WITHIN", 0.1)
    unsent, aborted = Mock(spec=asyncio.Transport), asyncio.Event()
    unsent.is_closing.side_effect = lambda: unsent.close.called
    unsent.abort.side_effect = aborted.set
    unsent.get_extra_info.return_value = None
    config = uvicorn.Config(ok, lifespan="off", timeout_keep_alive=60)
    connection = Connection(config, ServerState(), {}, asyncio.get_running_loop())
    connection.connection_made(unsent)
    connection.data_received(WHOLE)
    await asyncio.sleep(0.5)
    assert unsent.write.called
    assert not unsent.close.called

    connection.timeout_keep_alive_handler()
    async with asyncio.timeout(10):
        await aborted.wait()
    connection.connection_lost(None)


async def ok(_: Scope, __: Receive, send: Send) -> None:
    await answer(send, 200, b"{}")
