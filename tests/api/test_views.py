"""Reads: what the read models say, as far as the caller asks them to reach."""

import threading
import time

import httpx
import pytest

from api import reading
from ledger.postgres import Database, PostgresServer
from projections.schema import prepare_read_models
from tests.api.device import Device
from tests.api.ledgers import Served, serving
from tests.api.operating import PROGRAMME, VENUE, answered, refused
from tests.postgres_fixtures import NewDatabase, drop

MODELS = [
    "/v1/balances",
    "/v1/trial-balance",
    "/v1/payouts",
    f"/v1/payouts/{VENUE}",
    "/v1/exposure",
    f"/v1/programmes/{PROGRAMME}/exposure",
    f"/v1/programmes/{PROGRAMME}/orders",
    f"/v1/programmes/{PROGRAMME}/redemptions",
]


@pytest.mark.parametrize("path", MODELS)
def test_a_receipt_can_be_read_back(
    shared: Served, device: Device, carnet: list[str], path: str
) -> None:
    taken = answered(device.redeem(carnet[0]), 201)

    found = shared.auditor.got(path, at_least=taken["position"])

    assert found["position"] >= taken["position"]


@pytest.mark.parametrize("path", MODELS)
def test_what_is_not_there_yet_is_asked_for_again(shared: Served, path: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PATIENCE", 0.05)
        answer = shared.auditor.http.get(path, params={"at_least": 10**9})

    assert refused(answer, 503) == "lagging"
    assert answer.json()["retry"]
    assert int(answer.headers["retry-after"]) >= 1


def test_the_books_balance(shared: Served, device: Device, carnet: list[str]) -> None:
    taken = answered(device.redeem(*carnet[:2]), 201)
    at = {"at_least": taken["position"]}

    accounts = shared.auditor.got("/v1/balances", **at)["accounts"]
    trial = shared.auditor.got("/v1/trial-balance", **at)

    assert sum(account["balance_cents"] for account in accounts) == 0
    assert trial["balanced"]
    assert trial["trial_balance"]["accounts"] == len(accounts)
    owed = shared.auditor.got("/v1/balances", prefix=f"401:{VENUE}", **at)["accounts"]
    payout = shared.auditor.got(f"/v1/payouts/{VENUE}", **at)["payout"]
    assert -owed[0]["balance_cents"] == payout["owed_cents"]


def test_redemptions_are_counted_by_day(shared: Served, device: Device, carnet: list[str]) -> None:
    path = f"/v1/programmes/{PROGRAMME}/redemptions"
    before = shared.auditor.got(path, at_least=shared.log_size())["days"]
    taken = answered(device.redeem(*carnet[:2]), 201)

    days = shared.auditor.got(path, at_least=taken["position"])["days"]

    was = before[-1] if before else {"claims": 0, "tickets": 0}
    assert days[-1]["served_on"] == "2022-05-17"
    assert days[-1]["claims"] == was["claims"] + 1
    assert days[-1]["tickets"] == was["tickets"] + 2


def test_history_is_the_logs_own_bytes(shared: Served, device: Device, carnet: list[str]) -> None:
    taken = answered(device.redeem(carnet[0]), 201)

    answer = shared.auditor.http.get(f"/v1/events/{taken['position']}")

    row = shared.beside.execute(
        "SELECT state FROM events WHERE notification_id = %s", [taken["position"]]
    ).fetchone()
    assert row is not None
    assert bytes(row[0]) in answer.content
    history = shared.auditor.http.get(f"/v1/carnets/{taken['carnet']}")
    assert bytes(row[0]) in history.content
    positions = [each["position"] for each in history.json()["events"]]
    assert positions == sorted(positions)


def test_the_status_says_how_the_service_does(shared: Served) -> None:
    time.sleep(0.6)
    found = shared.auditor.got("/v1/status")

    assert found["demo"] is True
    assert found["events"] == shared.log_size()
    assert {model["projection"] for model in found["read_models"]} == {
        "balances",
        "payouts",
        "programmes",
        "redemptions",
    }
    for model in found["read_models"]:
        assert model["state"] == "following"
        assert model["stopped_at"] is None


def test_health_is_for_everybody(client: httpx.Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_ledger_whose_read_models_nobody_made_is_lagging(
    new_database: NewDatabase,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    database = new_database()
    try:
        assert lagging(database, tmp_path_factory)
    finally:
        drop(postgres_server, database)


def lagging(database: Database, folders: pytest.TempPathFactory) -> bool:
    """Before the read models exist, and while nobody keeps them."""
    token = Served.make_token(database, "reader", "auditor")
    headers = {"authorization": f"Bearer {token}"}
    with (
        serving(database, folders.mktemp("data")) as url,
        httpx.Client(base_url=url, headers=headers, timeout=20) as http,
    ):
        for path in ("/v1/balances", "/v1/status"):
            assert refused(http.get(path), 503) == "lagging"
        prepare_read_models(database)
        assert http.get("/v1/balances").json()["accounts"] == []
        states = {model["state"] for model in http.get("/v1/status").json()["read_models"]}
    return states == {"unattended"}


def test_slow_readers_do_not_keep_terminals_waiting(
    shared: Served, device: Device, carnet: list[str]
) -> None:
    """Readers that wait for a position hold connections of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PATIENCE", 0.5)
        slow_readers(shared, device, carnet)


def slow_readers(shared: Served, device: Device, carnet: list[str]) -> None:
    waiting = [
        threading.Thread(target=shared.auditor.http.get, args=("/v1/balances?at_least=999999999",))
        for _ in range(8)
    ]
    for thread in waiting:
        thread.start()
    began = time.monotonic()
    for code in carnet:
        answered(device.redeem(code), 201)
    assert time.monotonic() - began < 2
    for thread in waiting:
        thread.join()
