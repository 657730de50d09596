"""The database goes away and comes back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ledger.postgres import PostgresServer
from ledger.postgres.database import prepare_embedded
from ledger.postgres.roles import Roles
from tests.api.conftest import new_device
from tests.api.device import Device
from tests.api.ledgers import served
from tests.api.operating import (
    Desk,
    answered,
    circulate,
    make_stock,
    new_id,
    open_programme,
    open_venue,
    refused,
    register_holders,
)


@contextmanager
def down(server: PostgresServer) -> Iterator[None]:
    """No database, for the length of a block."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def until(done: Callable[[], bool], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


def test_a_database_that_is_down_is_waited_for(server_folder: Path, tmp_path: Path) -> None:
    """503 with Retry-After while it is, and everything again once it is back."""
    settings = {"fsync": "off", "shared_buffers": "16MB"}
    with PostgresServer(server_folder / "faulty", settings=settings) as server:
        database = prepare_embedded(server, Roles())
        with served(database, tmp_path) as service, httpx.Client(base_url=service.url) as http:
            register_holders(service.operator)
            open_programme(service.operator)
            open_venue(service.operator)
            stock = make_stock(service.operator, 2)
            circulate(service.operator, stock)
            device = new_device(service, http)
            _, codes = stock.codes.popitem()
            claim = device.claim(codes[0])
            holder = {"holder": "late", "name": "Late", "command_id": new_id()}
            with down(server):
                unavailable(device, service.operator, claim, holder)
            assert until(lambda: device.post("/v1/redemptions", claim).status_code == 201, 10) < 5
            again = answered(device.post("/v1/redemptions", claim), 200)
            assert again["replayed"]
            until(lambda: service.operator.http.get("/v1/status").status_code == 200, 5)
            done = answered(service.operator.http.post("/v1/holders", json=holder), 201)
            balance = f"/v1/trial-balance?at_least={done['position']}"
            until(lambda: service.auditor.http.get(balance).status_code == 200, 15)
            device.open_session()


def unavailable(device: Device, desk: Desk, claim: object, holder: object) -> None:
    """Every kind of route; one twice: what is found broken first is found missing then."""
    answers = [
        device.post("/v1/redemptions", claim),
        device.post("/v1/redemptions", claim),
        desk.http.post("/v1/holders", json=holder),
        desk.http.get("/v1/status"),
        device.http.post("/v1/sessions", json=device.proof(device.challenge())),
    ]
    for answer in answers:
        assert refused(answer, 503) == "unavailable"
        assert answer.json()["retry"]
        assert int(answer.headers["retry-after"]) >= 1
    batch = {"claims": [claim, claim]}
    verdicts = answered(device.post("/v1/redemptions/batch", batch), 200)["verdicts"]
    assert [verdict["status"] for verdict in verdicts] == [503, 503]
    assert device.http.get("/healthz").status_code == 200
