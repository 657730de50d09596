"""The service is asked to leave in the middle of its work."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from ledger.postgres import open_database
from ledger.values.clock import real_now
from tests.api.device import Device
from tests.api.operating import (
    REGION,
    SEED,
    Desk,
    answered,
    invite,
    new_id,
    open_venue,
    register_holders,
)

ROOT = Path(__file__).parents[2]
PROGRAMME = "TERM"


def until(done: Callable[[], bool], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Till(threading.Thread):
    """Redeems one ticket after the other until nobody answers any more."""

    device: Device
    codes: list[str]
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        try:
            while self.codes:
                self.statuses.append(self.device.redeem(self.codes.pop()).status_code)
        except httpx.TransportError:
            return


@pytest.fixture
def data(server_folder: Path) -> Path:
    """A folder that PostgreSQL's account can reach."""
    return server_folder / f"term-{uuid4().hex[:8]}"


@contextmanager
def program(data: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """`souche serve`, and where it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "scripts.cli", "serve", f"--data={data}", f"--port={port}"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def prepared(url: str, data: Path) -> tuple[list[str], str]:
    """Codes of tickets in people's hands, and an invitation for each of eight tills."""
    desk = Desk(url, (data / "tokens" / "operator").read_text().strip())
    year = real_now().year
    register_holders(desk)
    desk.done("/v1/programmes", programme=PROGRAMME, name="Term", shares={"region": 1})
    rules = {"sizes": [10], "face_value_cents": 1000, "millesimes": [year]}
    path = f"/v1/programmes/{PROGRAMME}"
    desk.done(f"{path}/rules", rule_version=1, rules=rules)
    cash = {"stage": "cash", "reference": "x", "cents": {"region": 10**9}}
    desk.done(f"{path}/funding", millesime=year, **cash)
    order = {"order": "o", "millesime": year, "carnets": 150, "size": 10, "holder": REGION}
    desk.done(f"{path}/orders", **order)
    chunk = {"seed": SEED, "first_number": 1, "carnets": 150}
    made = answered(desk.http.post(f"{path}/orders/o/chunks", json=chunk), 201)["carnets"]
    serials = [each["carnet"] for each in made]
    desk.done(f"{path}/activations", millesime=year, carnets=serials)
    for serial in serials:
        desk.done(f"/v1/carnets/{serial}/assignments", holder=REGION, beneficiary=new_id())
    open_venue(desk)
    invitation = invite(desk)
    desk.close()
    return [code for each in made for code in each["codes"]], invitation


def redemptions(data: Path) -> int:
    with open_database(data) as database, psycopg.connect(database.writer) as connection:
        row = connection.execute(
            "SELECT count(*) FROM events WHERE topic = 'tickets.redeemed.v1'"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.slow
def test_asked_to_leave_it_answers_what_it_has_and_leaves(data: Path) -> None:
    """Under load: all that was appended was answered, and all that was answered was appended."""
    with program(data) as (process, url):
        until(lambda: answers(url), 60)
        codes, invitation = prepared(url, data)
        clients = [httpx.Client(base_url=url, timeout=20) for _ in range(8)]
        device = Device(clients[0], url.removeprefix("http://"))
        device.enrol(invitation)
        device.open_session()
        tills = [
            Till(
                Device(client, device.authority, session=device.session, mac_key=device.mac_key),
                codes[number::8],
            )
            for number, client in enumerate(clients)
        ]
        for till in tills:
            till.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        for till in tills:
            till.join()
        for client in clients:
            client.close()

    statuses = [status for till in tills for status in till.statuses]
    assert set(statuses) <= {201, 503}
    assert statuses.count(201) > 20
    assert any(till.codes for till in tills)  # it left in the middle
    assert redemptions(data) == statuses.count(201)
