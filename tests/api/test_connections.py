"""Whoever holds many connections keeps nobody from the service who was there before."""

import socket
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
        while httpx.get(f"{url}/healthz").status_code != 200:  # until it has seen that they left
            pass


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: a\r\n"])
def test_who_asks_nothing_is_not_waited_for(shared: Served, said: bytes) -> None:
    """Nor who begins to ask and says no more."""
    with serving(shared.database, shared.data, keep_alive=1) as url, silent(url) as connection:
        connection.sendall(said)

        assert connection.recv(1) == b""
