"""The operator's commands: done once, told again, refused for a reason."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.ledgers import Served
from tests.api.operating import (
    PROGRAMME,
    REGION,
    RULES,
    VENUE,
    Desk,
    answered,
    new_id,
    refused,
)

ORDERS = f"/v1/programmes/{PROGRAMME}/orders"


@pytest.fixture
def desk(shared: Served) -> Desk:
    return shared.operator


def some_order() -> str:
    return f"o-{uuid4().hex[:8]}"


COMMANDS: list[tuple[str, dict[str, Any]]] = [
    (
        "/v1/programmes",
        {"programme": "RET22", "name": "Retry", "shares": {"region": 1}, "cap_tickets": None},
    ),
    ("/v1/programmes/RET22/rules", {"rule_version": 1, "rules": RULES}),
    (
        "/v1/programmes/RET22/funding",
        {"millesime": 2022, "stage": "order", "reference": "M-1", "cents": {"region": 100_000}},
    ),
    ("/v1/holders", {"holder": "retry-1", "name": "Retry"}),
    (
        "/v1/programmes/RET22/orders",
        {"order": "first", "millesime": 2022, "carnets": 4, "size": 5, "holder": "retry-1"},
    ),
    (
        "/v1/venues",
        {"venue": "21590350100017", "name": "Retry", "region": "32", "department": "59"},
    ),
    (
        "/v1/venues/21590350100017/qualifications",
        {"first_day": "2022-01-01", "last_day": "2022-12-31", "authority": "préfecture"},
    ),
    ("/v1/venues/21590350100017/withdrawals", {"effective_on": "2022-09-01"}),
    ("/v1/venues/21590350100017/suspensions", {"cause": "retry"}),
    ("/v1/venues/21590350100017/resumptions", {}),
    ("/v1/programmes/RET22/close", {}),
]


def test_every_command_can_be_sent_again(shared: Served, desk: Desk) -> None:
    """First 201, then 200 with the same position; with other content the id is used up."""
    for path, body in COMMANDS:
        command_id = new_id()
        first = answered(desk.post(path, command_id=command_id, **body), 201)
        assert first == {
            "position": shared.log_size(),
            "command_id": command_id,
            "replayed": False,
        }
        again = answered(desk.post(path, command_id=command_id, **body), 200)
        assert again == {**first, "replayed": True}
        assert shared.log_size() == first["position"]
        if "name" in body or "cause" in body:
            name = "name" if "name" in body else "cause"
            other = desk.post(path, command_id=command_id, **{**body, name: "Another"})
            assert refused(other, 409) == "command-id-reused"


def test_the_actor_is_the_tokens(shared: Served, desk: Desk) -> None:
    """A body can't name another one."""
    done = desk.done("/v1/holders", holder=some_order(), name="Actor")

    event = shared.auditor.got(f"/v1/events/{done['position']}")["event"]
    assert event["actor"] == "person:the-operator"
    assert refused(
        desk.post("/v1/holders", holder=some_order(), name="Actor", actor="operator:other"), 422
    )


class TestProgrammes:
    def test_what_exists_is_not_opened_again(self, desk: Desk) -> None:
        answer = desk.post("/v1/programmes", programme=PROGRAMME, name="x", shares={"a": 1})

        assert refused(answer, 409) == "programme-exists"

    def test_rules_come_one_after_the_other(self, desk: Desk) -> None:
        publish = f"/v1/programmes/{PROGRAMME}/rules"

        answer = desk.post(publish, rule_version=3, rules=RULES)

        assert refused(answer, 409) == "rules-out-of-order"

    def test_a_funder_without_a_share_funds_nothing(self, desk: Desk) -> None:
        funding = f"/v1/programmes/{PROGRAMME}/funding"
        asked = {"millesime": 2022, "stage": "cash", "reference": "x", "cents": {"other": 1}}

        assert refused(desk.post(funding, **asked), 404) == "funder-unknown"

    def test_a_millesime_that_no_rules_offer_is_not_funded(
        self, shared: Served, desk: Desk
    ) -> None:
        funding = f"/v1/programmes/{PROGRAMME}/funding"
        asked = {"millesime": 2031, "stage": "cash", "reference": "x", "cents": {"region": 1}}
        before = shared.log_size()

        assert refused(desk.post(funding, **asked), 409) == "millesime-not-offered"
        assert shared.log_size() == before

    def test_an_order_counts_against_the_envelope_that_its_programme_draws_on(
        self, desk: Desk
    ) -> None:
        """The route finds the envelope: the caller does not know of it."""
        whole = {"name": "Whole", "shares": {"region": 1}, "cap_tickets": 100}
        part = {"name": "Part", "shares": {"region": 1}, "parent": "NAT22"}
        desk.done("/v1/programmes", programme="NAT22", **whole)
        desk.done("/v1/programmes", programme="PART22", **part)
        desk.done("/v1/programmes/PART22/rules", rule_version=1, rules=RULES)
        orders = "/v1/programmes/PART22/orders"
        order = {"millesime": 2022, "size": 5, "holder": REGION}

        desk.done(orders, order="fits", carnets=20, **order)
        answer = desk.post(orders, order="exceeds", carnets=1, **order)

        assert refused(answer, 409) == "cap-exceeded"

    def test_nothing_is_ordered_of_a_programme_that_is_none(self, desk: Desk) -> None:
        order = {"order": "x", "millesime": 2022, "carnets": 1, "size": 5, "holder": REGION}

        answer = desk.post("/v1/programmes/GAP22/orders", **order)

        assert refused(answer, 404) == "programme-unknown"


class TestVenues:
    def test_a_venue_is_registered_once(self, desk: Desk) -> None:
        again = {"venue": VENUE, "name": "x", "region": "27", "department": "25"}

        assert refused(desk.post("/v1/venues", **again), 409) == "venue-exists"

    def test_payments_that_are_not_frozen_are_not_let_go_on(self, desk: Desk) -> None:
        answer = desk.post(f"/v1/venues/{VENUE}/resumptions")

        assert refused(answer, 409) == "venue-not-suspended"

    @pytest.mark.parametrize(
        ("act", "body"),
        [
            ("qualifications", {"first_day": "2022-01-01", "authority": "x"}),
            ("withdrawals", {"effective_on": "2022-01-01"}),
            ("suspensions", {"cause": "x"}),
            ("resumptions", {}),
        ],
    )
    def test_nothing_happens_to_a_venue_that_is_none(
        self, desk: Desk, act: str, body: dict[str, str]
    ) -> None:
        answer = desk.post(f"/v1/venues/21620010500015/{act}", **body)

        assert refused(answer, 404) == "venue-unknown"
