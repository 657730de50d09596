"""Whoever holds many connections keeps nobody from the service who was there before."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from api import connections
from tests.api.device import Device
from tests.api.ledgers import Served, serving
from tests.api.operating import answered, refused


@contextmanager
def silent(url: str) -> Iterator[socket.socket]:
    """A connection on which nothing is asked."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as found:
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


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b""),
        (WHOLE[:-2], b""),
        (b"POST /v1/venues HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", b"{"),
        (WHOLE, b"G"),
        (WHOLE, b"\r\n"),
        (REFUSED, b"{"),
    ],
    ids=["nothing", "headers", "body", "second", "newline", "rest"],
)
def test_who_does_not_finish_asking_is_not_waited_for(
    shared: Served, monkeypatch: pytest.MonkeyPatch, first: bytes, then: bytes
) -> None:
    """Whatever was answered before."""
    monkeypatch.setattr(connections, "WHOLE_WITHIN", 0.5)
    began = time.monotonic()
    with serving(shared.database, shared.data) as url, silent(url) as connection:
        connection.sendall(first)
        time.sleep(0.2)
        connection.sendall(then)
        while connection.recv(65536):
            pass

    assert time.monotonic() < began + 3
