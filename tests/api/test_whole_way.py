"""One ticket by HTTP, from the programme that prints it to the run that pays for it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.device import Device
from tests.api.ledgers import AUTHORITY, Served
from tests.api.operating import (
    REGION,
    TOWN_HALL,
    VENUE,
    answered,
    circulate,
    invite,
    make_stock,
    new_id,
    open_programme,
    open_venue,
    register_holders,
)


@pytest.fixture
def till(service: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=20) as found:
        yield found


def test_a_ticket_from_programme_to_paid_run(service: Served, till: httpx.Client) -> None:
    desk, approver, auditor = service.operator, service.approver, service.auditor
    register_holders(desk)
    open_programme(desk)
    stock = make_stock(desk, 2)
    first, second = stock.serials
    desk.done("/v1/transfers", carnets=[second], sender=REGION, receiver=TOWN_HALL)
    desk.done("/v1/transfers", carnets=[second], sender=TOWN_HALL, receiver=REGION)
    circulate(desk, stock)
    open_venue(desk)
    device = Device(till, AUTHORITY)
    device.enrol(invite(desk))
    device.open_session()

    taken = answered(device.redeem(*stock.codes[first][:2]), 201)
    assert taken["amount_cents"] == 2000
    assert taken["tickets"] == [1, 2]
    assert taken["venue"] == VENUE
    voided = answered(device.redeem(stock.codes[first][2]), 201)
    answered(device.void(voided["claim_id"], stock.codes[first][2]), 201)

    run = "/v1/payment-runs/2022-05"
    cutoff = desk.done("/v1/payment-runs", run="2022-05")
    desk.done(f"{run}/draft")
    desk.done(f"{run}/submit")
    drafted = auditor.got(run)
    assert drafted["cutoff"] == cutoff["position"]
    assert drafted["lines"] == [{"venue": VENUE, "amount_cents": 2000}]
    approved = {"command_id": new_id(), "digest": drafted["digest"]}
    answered(approver.http.post(f"{run}/approve", json=approved), 201)
    paid = answered(desk.http.post(f"{run}/pay"), 201)
    again = answered(desk.http.post(f"{run}/pay"), 200)
    assert again == {**paid, "replayed": True}
    assert desk.got(run)["state"] == "closed"
    assert desk.got(run)["paid_cents"] == 2000

    at = paid["position"]
    assert auditor.got("/v1/trial-balance", at_least=at)["balanced"]
    balances = auditor.got("/v1/balances", at_least=at, prefix="580")["accounts"]
    assert [account["balance_cents"] for account in balances] == [-2000]
    payout = auditor.got(f"/v1/payouts/{VENUE}", at_least=at)["payout"]
    assert (payout["owed_cents"], payout["reimbursed_cents"]) == (0, 2000)
    exposure = auditor.got("/v1/programmes/BFC22/exposure", at_least=at)["millesimes"]
    assert exposure[0]["redeemed_tickets"] == 3
    assert exposure[0]["voided_tickets"] == 1
    history = auditor.got(f"/v1/carnets/{first}")["events"]
    assert [each["event"]["fact"]["type"] for each in history] == [
        "carnet.issued.v1",
        "carnet.activated.v1",
        "carnet.assigned.v1",
        "tickets.redeemed.v1",
        "tickets.redeemed.v1",
        "tickets.redemption-voided.v1",
    ]
    event = auditor.got(f"/v1/events/{taken['position']}")
    assert event["event"]["command_id"] == taken["claim_id"]
    status = auditor.got("/v1/status")
    assert status["demo"]
    assert status["events"] == service.log_size() == at
