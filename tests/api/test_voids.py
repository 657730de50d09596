"""Voids and checks, and the states from which nothing is taken."""

import time
from uuid import uuid4

import httpx
import msgspec
import pytest

from tests.api.conftest import new_device
from tests.api.device import Device
from tests.api.ledgers import TODAY, Served
from tests.api.operating import (
    MILLESIME,
    PROGRAMME,
    REGION,
    answered,
    circulate,
    make_stock,
    new_id,
    open_programme,
    open_venue,
    refused,
)


class TestStates:
    def test_each_state_has_its_reason(self, shared: Served, device: Device) -> None:
        """From the printer to a beneficiary: only the last state can be redeemed."""
        desk = shared.operator
        made = make_stock(desk, 1, order=f"o-{uuid4().hex[:8]}")
        (serial,) = made.serials
        code = made.codes[serial][0]
        assert refused(device.redeem(code), 409) == "carnet-not-activated"
        activate = f"/v1/programmes/{PROGRAMME}/activations"
        desk.done(activate, millesime=MILLESIME, carnets=[serial])
        assert refused(device.redeem(code), 409) == "ticket-not-assigned"
        assign = f"/v1/carnets/{serial}/assignments"
        desk.done(assign, holder=REGION, beneficiary=new_id(), tickets=[2])
        assert refused(device.redeem(code), 409) == "ticket-not-assigned"
        assert device.redeem(made.codes[serial][1]).status_code == 201
        desk.done(assign, holder=REGION, beneficiary=new_id(), tickets=[1])
        assert device.redeem(code).status_code == 201

    def test_a_venue_whose_qualification_ended(
        self, shared: Served, client: httpx.Client, carnet: list[str]
    ) -> None:
        desk, venue = shared.operator, "21930005000016"
        open_venue(desk, venue, "Centre social")
        device = new_device(shared, client, venue)
        assert answered(device.redeem(carnet[0]), 201)
        desk.done(f"/v1/venues/{venue}/withdrawals", effective_on=f"{TODAY:%Y-%m-%d}")

        assert refused(device.redeem(carnet[1]), 403) == "venue-not-qualified"

    def test_a_suspended_venue_where_the_rules_refuse_it(
        self, shared: Served, client: httpx.Client, carnet: list[str]
    ) -> None:
        """E06: its other programmes' tickets it goes on taking."""
        desk, venue, programme = shared.operator, "21930006800018", "SVSP"
        open_programme(desk, programme, suspended_venues="refused")
        made = make_stock(desk, 1, programme)
        circulate(desk, made, programme)
        ((first, second, *_),) = made.codes.values()
        open_venue(desk, venue, "Espace numérique")
        device = new_device(shared, client, venue)
        assert answered(device.redeem(first), 201)
        desk.done(f"/v1/venues/{venue}/suspensions", cause="tape does not match")

        answer = device.redeem(second)

        assert refused(answer, 403) == "venue-suspended"
        assert "give the ticket back" in answer.json()["title"]
        assert "rendez le ticket" in answer.json()["title_fr"]
        told = {"redeemable": False, "reason": "venue-suspended"}
        assert answered(device.check(second), 200) == told
        assert answered(device.redeem(carnet[0]), 201)
        desk.done(f"/v1/venues/{venue}/resumptions")
        assert answered(device.redeem(second), 201)


class TestVoids:
    def test_a_void_gives_the_tickets_back(
        self, shared: Served, device: Device, elsewhere: Device, carnet: list[str]
    ) -> None:
        taken = answered(device.redeem(*carnet[:2]), 201)

        voided = answered(device.void(taken["claim_id"], *carnet[:2]), 201)

        assert voided["position"] == shared.log_size()
        assert voided["tickets"] == [1, 2]
        assert voided["amount_cents"] == 2000
        assert elsewhere.redeem(carnet[0]).status_code == 201

    def test_the_devices_clock_is_kept_as_evidence(
        self, shared: Served, device: Device, carnet: list[str]
    ) -> None:
        taken = answered(device.redeem(carnet[0]), 201)
        body = msgspec.json.encode({"void_id": new_id(), "codes": carnet[:1]})
        path, created = f"/v1/redemptions/{taken['claim_id']}/void", int(time.time()) - 60

        voided = answered(device.send(device.sign(path, body, created=created)), 201)

        path = f"/v1/events/{voided['position']}"
        event = answered(shared.auditor.http.get(path), 200)["event"]
        assert event["fact"]["signed_at"] == created

    def test_a_retry_gets_the_first_answer(self, device: Device, carnet: list[str]) -> None:
        taken = answered(device.redeem(carnet[0]), 201)
        void_id = new_id()
        first = answered(device.void(taken["claim_id"], carnet[0], void_id=void_id), 201)

        again = answered(device.void(taken["claim_id"], carnet[0], void_id=void_id), 200)

        assert again == {**first, "replayed": True}

    def test_a_redemption_is_voided_once(self, device: Device, carnet: list[str]) -> None:
        taken = answered(device.redeem(carnet[0]), 201)
        answered(device.void(taken["claim_id"], carnet[0]), 201)

        assert refused(device.void(taken["claim_id"], carnet[0]), 409) == "claim-voided"

    def test_another_venue_voids_nothing(
        self, device: Device, elsewhere: Device, carnet: list[str]
    ) -> None:
        taken = answered(device.redeem(carnet[0]), 201)

        assert refused(elsewhere.void(taken["claim_id"], carnet[0]), 403) == "venue-differs"

    @pytest.mark.parametrize("tickets", [slice(0, 1), slice(0, 3), slice(1, 3)])
    def test_a_void_takes_all_its_tickets_and_no_others(
        self, device: Device, carnet: list[str], tickets: slice
    ) -> None:
        taken = answered(device.redeem(*carnet[:2]), 201)

        answer = device.void(taken["claim_id"], *carnet[tickets])

        assert refused(answer, 404) == "claim-unknown"
        assert "show all that it took" in answer.json()["title"]
        assert "présentez tous ceux qu'il a pris" in answer.json()["title_fr"]

    def test_a_claim_that_nobody_made(self, device: Device, carnet: list[str]) -> None:
        assert refused(device.void(new_id(), carnet[0]), 404) == "claim-unknown"

    def test_a_void_needs_the_codes(self, spare: Device, carnet: list[str]) -> None:
        taken = answered(spare.redeem(carnet[0]), 201)

        assert refused(spare.void(taken["claim_id"], "hello"), 404) == "code-unknown"

    def test_an_id_that_is_none_is_no_address(self, device: Device, carnet: list[str]) -> None:
        assert refused(device.void("not-a-uuid", carnet[0]), 404) == "not-found"


class TestChecks:
    def test_a_check_tells_what_a_redemption_would_take(
        self, device: Device, carnet: list[str]
    ) -> None:
        assert answered(device.check(*carnet[:2]), 200) == {
            "redeemable": True,
            "carnet": f"{PROGRAMME}-{carnet[0][5:12]}",
            "tickets": [1, 2],
            "amount_cents": 2000,
            "usable_until": "2023-01-31",
        }

    def test_it_has_no_effect(self, shared: Served, device: Device, carnet: list[str]) -> None:
        before = shared.log_size()
        refusals = shared.query("SELECT count(*) FROM refusals")

        answered(device.check(carnet[0]), 200)
        answered(device.redeem(carnet[0]), 201)
        told = answered(device.check(carnet[0]), 200)

        assert told == {"redeemable": False, "reason": "ticket-already-redeemed"}
        assert shared.log_size() == before + 1
        assert shared.query("SELECT count(*) FROM refusals") == refusals

    def test_it_is_rate_limited(self, spare: Device, carnet: list[str]) -> None:
        answers = [spare.check(carnet[0]) for _ in range(60)]

        assert {answer.status_code for answer in answers} == {200, 429}
        assert refused(answers[-1], 429) == "too-many-requests"
        assert answers[-1].headers["retry-after"]
        assert spare.redeem(carnet[0]).status_code == 201
