"""Payment runs: a cutoff, a draft, two people, and every transfer once."""

from collections.abc import Iterator
from contextlib import closing

import httpx
import psycopg
import pytest

from tests.api.conftest import new_device
from tests.api.device import Device
from tests.api.ledgers import Served
from tests.api.operating import (
    OTHER_VENUE,
    VENUE,
    Stock,
    answered,
    circulate,
    make_stock,
    new_id,
    open_programme,
    open_venue,
    refused,
    register_holders,
)
from tests.api.runs import RUNS, approved, drafted, pay


@pytest.fixture(scope="module")
def till(service: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=20) as found:
        yield found


@pytest.fixture(scope="module")
def stock(service: Served) -> Stock:
    register_holders(service.operator)
    open_programme(service.operator)
    made = make_stock(service.operator, 30)
    circulate(service.operator, made)
    return made


@pytest.fixture(scope="module")
def device(service: Served, till: httpx.Client, stock: Stock) -> Device:
    open_venue(service.operator)
    return new_device(service, till)


@pytest.fixture(scope="module")
def elsewhere(service: Served, till: httpx.Client, stock: Stock) -> Device:
    open_venue(service.operator, OTHER_VENUE, "EPN de Lure")
    return new_device(service, till, OTHER_VENUE)


def test_a_run_pays_what_was_owed_at_its_cutoff(
    service: Served, device: Device, elsewhere: Device, carnet: list[str]
) -> None:
    answered(device.redeem(carnet[0]), 201)
    answered(elsewhere.redeem(*carnet[1:3]), 201)
    cutoff = service.operator.done(RUNS, run="1")
    answered(device.redeem(carnet[3]), 201)
    service.operator.done(f"{RUNS}/1/draft")

    found = service.operator.got(f"{RUNS}/1")

    assert found["cutoff"] == cutoff["position"]
    assert found["state"] == "drafted"
    assert found["lines"] == [
        {"venue": VENUE, "amount_cents": 1000},
        {"venue": OTHER_VENUE, "amount_cents": 2000},
    ]
    assert (found["transfers"], found["amount_cents"]) == (2, 3000)
    service.operator.done(f"{RUNS}/1/submit")
    service.approver.done(f"{RUNS}/1/approve", digest=found["digest"])
    done = pay(service, "1")
    owed = service.auditor.got(f"/v1/payouts/{VENUE}", at_least=done["position"])["payout"]
    assert (owed["reimbursed_cents"], owed["owed_cents"]) == (1000, 1000)


def test_each_step_waits_for_the_one_before(service: Served, device: Device) -> None:
    steps = [(service.operator, "submit", {}), (service.approver, "approve", {"digest": "0" * 64})]
    service.operator.done(RUNS, run="2")
    for desk, step, body in steps:
        assert refused(desk.post(f"{RUNS}/2/{step}", **body), 409) == "run-in-another-state"
    assert refused(service.operator.http.post(f"{RUNS}/2/pay"), 409) == "run-in-another-state"
    assert refused(service.operator.post(RUNS, run="3"), 409) == "run-open"
    service.operator.done(f"{RUNS}/2/draft")
    assert refused(service.operator.post(f"{RUNS}/2/draft"), 409) == "run-in-another-state"
    service.operator.done(f"{RUNS}/2/submit")
    wrong = service.approver.post(f"{RUNS}/2/approve", digest="0" * 64)
    assert refused(wrong, 409) == "run-digest-differs"
    assert refused(service.operator.http.post(f"{RUNS}/2/pay"), 409) == "run-in-another-state"
    service.operator.done(f"{RUNS}/2/withdraw")
    assert service.operator.got(f"{RUNS}/2")["state"] == "withdrawn"
    assert refused(service.operator.http.post(f"{RUNS}/2/pay"), 409) == "run-in-another-state"
    assert refused(service.operator.post(RUNS, run="2"), 409) == "run-exists"


def test_a_run_that_is_none(service: Served) -> None:
    for step in ("draft", "submit", "withdraw"):
        assert refused(service.operator.post(f"{RUNS}/none/{step}"), 404) == "run-unknown"
    assert refused(service.operator.http.post(f"{RUNS}/none/pay"), 404) == "run-unknown"
    assert refused(service.operator.http.get(f"{RUNS}/none"), 404) == "run-unknown"


def test_a_draft_can_be_asked_for_again_whatever_happened_meanwhile(
    service: Served, device: Device, carnet: list[str]
) -> None:
    """The suspension changes what a draft would say of held transfers; not what was said."""
    answered(device.redeem(carnet[0]), 201)
    service.operator.done(RUNS, run="4")
    asked = {"command_id": new_id()}
    first = service.operator.http.post(f"{RUNS}/4/draft", json=asked)
    service.operator.done(f"/v1/venues/{VENUE}/suspensions", cause="tape does not match")

    again = service.operator.http.post(f"{RUNS}/4/draft", json=asked)

    assert answered(again, 200) == {**answered(first, 201), "replayed": True}
    service.operator.done(f"{RUNS}/4/withdraw")
    service.operator.done(f"/v1/venues/{VENUE}/resumptions")


def test_a_frozen_venue_is_told_in_the_draft_and_left_out_when_paid(
    service: Served, device: Device, elsewhere: Device, carnet: list[str]
) -> None:
    answered(device.redeem(carnet[0]), 201)
    answered(elsewhere.redeem(carnet[1]), 201)
    suspend = service.operator.done(f"/v1/venues/{VENUE}/suspensions", cause="tape")
    approved(service, "5")
    assert service.operator.got(f"{RUNS}/5")["held_transfers"] == 1
    owed = service.auditor.got(f"/v1/payouts/{VENUE}", at_least=suspend["position"])["payout"]

    done = pay(service, "5")

    run = service.auditor.got(f"{RUNS}/5")
    assert (run["transfers"], run["paid_transfers"]) == (2, 1)
    frozen = service.auditor.got(f"/v1/payouts/{VENUE}", at_least=done["position"])["payout"]
    assert frozen["owed_cents"] == owed["owed_cents"] > 0
    service.operator.done(f"/v1/venues/{VENUE}/resumptions")
    approved(service, "6")
    done = pay(service, "6")
    paid = service.auditor.got(f"/v1/payouts/{VENUE}", at_least=done["position"])["payout"]
    assert paid["owed_cents"] == 0


def test_a_run_that_owes_nothing_is_closed(service: Served, device: Device) -> None:
    for run in ("7", "8"):  # whatever is still owed goes with the first
        approved(service, run)
        pay(service, run)

    assert service.operator.got(f"{RUNS}/8")["lines"] == []
    assert service.operator.got(f"{RUNS}/8")["state"] == "closed"


def test_a_void_after_the_cutoff_is_too_late(
    service: Served, device: Device, carnet: list[str]
) -> None:
    taken = answered(device.redeem(carnet[0]), 201)
    service.operator.done(RUNS, run="9")

    assert refused(device.void(taken["claim_id"], carnet[0]), 409) == "cutoff-passed"
    service.operator.done(f"{RUNS}/9/withdraw")
    answered(device.void(taken["claim_id"], carnet[0]), 201)


def test_an_approved_run_that_is_withdrawn_pays_nothing(service: Served) -> None:
    approved(service, "13")
    service.operator.done(f"{RUNS}/13/withdraw")

    assert service.operator.got(f"{RUNS}/13")["state"] == "withdrawn"
    assert refused(service.operator.http.post(f"{RUNS}/13/pay"), 409) == "run-in-another-state"


def test_nobody_approves_what_he_submitted(service: Served, device: Device) -> None:
    """Also not with another token of his; and the table refuses it, should we ever let it pass."""
    digest = drafted(service, "10")
    with (
        closing(service.new_desk("one-person", "operator")) as one_hand,
        closing(service.new_desk("one-person", "approver")) as the_other,
    ):
        one_hand.done(f"{RUNS}/10/submit")
        answer = the_other.post(f"{RUNS}/10/approve", digest=digest)
    assert refused(answer, 403) == "same-person"
    event = b'{"actor":"person:a","fact":{"submitter":"person:a"}}'
    with pytest.raises(psycopg.errors.CheckViolation):
        service.beside.execute(
            "INSERT INTO events VALUES ('x', 1, 'payment-run.approved.v1', %s, 999999)", [event]
        )
    service.operator.done(f"{RUNS}/10/withdraw")
