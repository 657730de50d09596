"""Payment runs: a cutoff, a draft, two people, and every transfer once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import httpx
import psycopg
import pytest

from api import payment_runs
from ledger.batch import Outcome, Recorded
from ledger.decisions.clearing import LINES_A_PART, PayPart, RunLine, parts_of
from ledger.decisions.situation import Command
from ledger.log.connection import PostgresStore
from ledger.secrets import open_secrets
from ledger.values.clock import SystemClock
from ledger.values.ids import RunId, VenueId, derived_id
from ledger.values.money import Cents
from ledger.writer import Writer
from projections.connecting import reader_conninfo
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
    register_holders,
)
from tests.api.test_redemptions import refused
from tests.builders.facts import redeemed, venue_registered
from tests.projections.appending import Appender

RUNS = "/v1/payment-runs"


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


def drafted(service: Served, run: str) -> str:
    """A run with a draft; its digest."""
    service.operator.done(RUNS, run=run)
    service.operator.done(f"{RUNS}/{run}/draft")
    digest: str = service.operator.got(f"{RUNS}/{run}")["digest"]
    return digest


def approved(service: Served, run: str) -> None:
    digest = drafted(service, run)
    service.operator.done(f"{RUNS}/{run}/submit")
    service.approver.done(f"{RUNS}/{run}/approve", digest=digest)


def pay(service: Served, run: str, status: int = 201) -> dict[str, Any]:
    return answered(service.operator.http.post(f"{RUNS}/{run}/pay"), status)


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


def test_two_who_pay_at_once_pay_each_transfer_once(service: Served, device: Device) -> None:
    """Two writers, and more venues than one command pays."""
    venues = [f"9{number:013}" for number in range(LINES_A_PART + 50)]
    owe(service, venues)
    approved(service, "11")

    outcomes = asyncio.run(paying_twice(service, RunId("11")))

    assert all(isinstance(outcome, Recorded) for outcome in outcomes)
    run = service.operator.got(f"{RUNS}/11")
    assert run["state"] == "closed"
    assert run["paid_transfers"] == run["transfers"] >= len(venues)
    paid = "SELECT count(*) FROM events WHERE topic = 'payment-run.part-paid.v1'"
    assert service.query(f"{paid} AND originator_id = 'payment-run:11'") == 2
    transfers = "SELECT count(*) FROM events WHERE originator_id LIKE 'transfer:PN11-%'"
    assert service.query(transfers) == run["transfers"]
    position = service.log_size()
    assert service.auditor.got("/v1/trial-balance", at_least=position)["balanced"]
    payouts = service.auditor.got("/v1/payouts", at_least=position)["venues"]
    assert {payout["owed_cents"] for payout in payouts} == {0}


def test_who_pays_goes_on_where_the_last_one_stopped(service: Served, device: Device) -> None:
    """Somebody was killed after the first part."""
    venues = [f"8{number:013}" for number in range(LINES_A_PART + 1)]
    owe(service, venues)
    approved(service, "12")
    lines = [RunLine(VenueId(venue), Cents(1000)) for venue in venues]
    first = PayPart(
        command_id=derived_id("pay", "12", 0),
        actor="operator:other",
        run=RunId("12"),
        part=0,
        lines=parts_of(lines)[0],
    )
    assert isinstance(asyncio.run(carrying_out(service, first)), Recorded)
    assert service.operator.got(f"{RUNS}/12")["paid_transfers"] == LINES_A_PART

    pay(service, "12")

    assert service.operator.got(f"{RUNS}/12")["paid_transfers"] == LINES_A_PART + 1
    assert service.operator.got(f"{RUNS}/12")["state"] == "closed"


def owe(service: Served, venues: list[str]) -> None:
    """Append what makes these venues be owed a ticket each, behind the service's back."""
    with closing(Appender(service.database)) as appender:
        appender.append(*(venue_registered(venue=VenueId(venue)) for venue in venues))
        taken = enumerate(venues, start=int(venues[0][0]) * 100_000)
        appender.append(*(redeemed(number=n, venue=VenueId(venue)) for n, venue in taken))


async def carrying_out(service: Served, command: Command) -> Outcome:
    async with writing(service) as writer:
        return await writer.execute(command)


@asynccontextmanager
async def writing(service: Served) -> AsyncIterator[Writer]:
    """Another writer than the service's."""
    store = PostgresStore(service.database.writer, service.database.channel)
    writer = Writer(store, SystemClock(), open_secrets(service.data).peppers)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


async def paying_twice(service: Served, run: RunId) -> list[Outcome]:
    reading = reader_conninfo(service.database)
    async with (
        writing(service) as writer,
        writing(service) as other,
        await psycopg.AsyncConnection.connect(reading, autocommit=True) as views,
        await psycopg.AsyncConnection.connect(reading, autocommit=True) as more,
    ):
        return list(
            await asyncio.gather(
                payment_runs.pay(writer, views, run, "operator:one"),
                payment_runs.pay(other, more, run, "operator:two"),
            )
        )
