"""Reads: what the read models say, as far as the caller asks them to reach."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api import payment_runs, reading
from ledger.postgres import Database, PostgresServer
from projections.connecting import connect
from projections.schema import prepare_read_models
from tests.api.conftest import new_device
from tests.api.device import Device
from tests.api.ledgers import Served, served, serving
from tests.api.operating import PROGRAMME, VENUE, answered, open_venue, refused
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
def test_what_is_beyond_the_log_is_not_waited_for(shared: Served, path: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PATIENCE", 60.0)
        began = time.monotonic()
        answer = shared.auditor.http.get(path, params={"at_least": 10**9})

    assert time.monotonic() - began < 5
    assert refused(answer, 503) == "lagging"
    assert answer.json()["retry"]
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/v1/payouts/99900002900010", "venue-unknown"),
        ("/v1/programmes/NEVER/exposure", "programme-unknown"),
        ("/v1/programmes/NEVER/orders", "programme-unknown"),
        ("/v1/programmes/NEVER/redemptions", "programme-unknown"),
        ("/v1/carnets/NEVER-0000001", "carnet-unknown"),
        ("/v1/payment-runs/2999-12", "run-unknown"),
        (f"/v1/events/{10**9}", "not-found"),
    ],
)
def test_what_does_not_exist_is_not_shown_as_zero(shared: Served, path: str, reason: str) -> None:
    assert refused(shared.auditor.http.get(path), 404) == reason


def test_a_venue_and_a_programme_where_nothing_happened_yet_are_shown(shared: Served) -> None:
    shared.operator.done(
        "/v1/venues", venue="99900002900077", name="EPN de Vesoul", region="27", department="70"
    )
    shared.operator.done(
        "/v1/programmes", programme="VACANT", name="Nouveau", shares={"region-bfc": 1}
    )

    payout = shared.auditor.got("/v1/payouts/99900002900077")["payout"]
    assert (payout["redeemed_tickets"], payout["owed_cents"]) == (0, 0)
    assert shared.auditor.got("/v1/programmes/VACANT/orders")["orders"] == []


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


RUN = "/v1/payment-runs/late"


@pytest.mark.parametrize("path", MODELS)
def test_a_read_model_that_stopped_says_so(
    shared: Served, device: Device, carnet: list[str], path: str
) -> None:
    """It answers as far as it came; what lies beyond is refused at once, and told why."""
    position = answered(device.redeem(carnet[0]), 201)["position"]
    was = shared.auditor.got(path, at_least=position)
    stop = "UPDATE projection_states SET stopped_at = %s, stopped_because = %s"
    with connect(shared.database) as projector:
        projector.execute(stop, [position + 1, "a test"])
        try:
            later = answered(device.redeem(carnet[1]), 201)["position"]
            found = shared.auditor.got(path)
            beyond = shared.auditor.http.get(path, params={"at_least": later})
        finally:
            projector.execute(stop, [None, None])

    assert was["stopped_at"] is None
    assert (found["position"], found["stopped_at"]) == (position, position + 1)
    assert refused(beyond, 500) == "stopped"
    assert not beyond.json()["retry"]
    assert beyond.json()["detail"].endswith(f"stopped before the event at position {position + 1}")


def test_what_is_not_there_yet_is_waited_for(unfollowed: Served) -> None:
    """Then asked for again."""
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PATIENCE", 0.5)
        at_least = unfollowed.log_size()
        answer = unfollowed.auditor.http.get("/v1/balances", params={"at_least": at_least})

    assert time.monotonic() - began >= 0.4
    assert refused(answer, 503) == "lagging"


def test_who_waits_for_a_read_model_holds_no_connection(unfollowed: Served) -> None:
    """More than there are connections wait; other readers and devices are served meanwhile."""
    path = f"/v1/balances?at_least={unfollowed.log_size()}"
    with httpx.Client(base_url=unfollowed.url) as http, pytest.MonkeyPatch.context() as patch:
        device = new_device(unfollowed, http)
        patch.setattr(reading, "PATIENCE", 3.0)
        patch.setattr(payment_runs, "PATIENCE", 3.0)
        with ThreadPoolExecutor(12) as readers:
            get = unfollowed.auditor.http.get
            waiting = [readers.submit(get, each) for each in [path, RUN] * 6]
            time.sleep(0.5)
            began = time.monotonic()
            device.open_session()
            assert unfollowed.auditor.http.get("/v1/events/1").status_code == 200
            assert time.monotonic() - began < 1.5
            assert not any(each.done() for each in waiting)
        assert {refused(each.result(), 503) for each in waiting} == {"lagging"}


def test_readers_leave_devices_their_connections(shared: Served, spare: Device) -> None:
    """However long a reader's statement takes, and however many there are."""
    with ThreadPoolExecutor(8) as readers, connect(shared.database) as projector:
        with projector.transaction():
            projector.execute("LOCK TABLE projection_tracking")
            waiting = [readers.submit(shared.auditor.http.get, MODELS[0]) for _ in range(8)]
            time.sleep(0.5)
            spare.open_session()
            assert not any(each.done() for each in waiting)
        assert {each.result().status_code for each in waiting} == {200}


@pytest.fixture(scope="module")
def unfollowed(
    new_database: NewDatabase,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """A service whose read models nobody keeps any more, and a run that they don't have."""
    database = new_database()
    with served(database, tmp_path_factory.mktemp("data"), followed=False) as found:
        open_venue(found.operator)
        found.operator.done("/v1/payment-runs", run="late")
        yield found
    drop(postgres_server, database)
