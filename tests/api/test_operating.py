"""The operator's commands: done once, told again, refused for a reason."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.ledgers import Served
from tests.api.operating import (
    MILLESIME,
    PROGRAMME,
    REGION,
    RULES,
    SEED,
    TOWN_HALL,
    VENUE,
    Desk,
    answered,
    make_stock,
    new_id,
    open_programme,
)
from tests.api.test_redemptions import refused

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


class TestChunks:
    def ordered(self, desk: Desk, carnets: int) -> tuple[str, int]:
        """The path to issue an order's chunks, and its first number."""
        order = some_order()
        done = desk.done(
            ORDERS, order=order, millesime=MILLESIME, carnets=carnets, size=5, holder=REGION
        )
        listed = desk.got(ORDERS, at_least=done["position"])["orders"]
        (first,) = [each["first_number"] for each in listed if each["order_id"] == order]
        return f"{ORDERS}/{order}/chunks", first

    def issue(self, desk: Desk, path: str, **chunk: object) -> httpx.Response:
        return desk.http.post(path, json={"seed": SEED, **chunk})

    def test_an_order_is_issued_chunk_by_chunk(self, shared: Served, desk: Desk) -> None:
        path, first = self.ordered(desk, 5)

        one = answered(self.issue(desk, path, first_number=first, carnets=3), 201)
        two = answered(self.issue(desk, path, first_number=first + 3, carnets=2), 201)

        serials = [each["carnet"] for each in one["carnets"] + two["carnets"]]
        assert serials == [f"{PROGRAMME}-{number:07d}" for number in range(first, first + 5)]
        codes = [code for each in one["carnets"] + two["carnets"] for code in each["codes"]]
        assert len(set(codes)) == 25
        assert shared.count_events_with(codes[0]) == 0

    def test_a_retry_shows_the_same_codes_and_nobody_keeps_them(self, desk: Desk) -> None:
        path, first = self.ordered(desk, 2)
        made = self.issue(desk, path, first_number=first, carnets=2)
        assert made.headers["cache-control"] == "no-store"

        again = answered(self.issue(desk, path, first_number=first, carnets=2), 200)

        assert again == {**made.json(), "replayed": True}

    def test_another_seed_shows_nothing(self, desk: Desk) -> None:
        path, first = self.ordered(desk, 2)
        answered(self.issue(desk, path, first_number=first, carnets=2), 201)

        answer = self.issue(desk, path, first_number=first, carnets=2, seed="A" * 43)

        assert refused(answer, 409) == "command-id-reused"
        assert "codes" not in answer.text

    def test_chunks_come_in_order_and_end_with_the_order(self, desk: Desk) -> None:
        path, first = self.ordered(desk, 4)
        late = self.issue(desk, path, first_number=first + 1, carnets=1)
        assert refused(late, 409) == "order-exceeded"
        answered(self.issue(desk, path, first_number=first, carnets=3), 201)

        assert refused(self.issue(desk, path, first_number=first + 1, carnets=1), 409) == (
            "carnet-exists"
        )
        too_many = self.issue(desk, path, first_number=first + 3, carnets=2)
        assert refused(too_many, 409) == "order-exceeded"

    def test_an_order_that_is_none(self, desk: Desk) -> None:
        chunk = {"first_number": 1, "carnets": 1}
        other = "/v1/programmes/GAP22/orders/none/chunks"

        assert refused(self.issue(desk, f"{ORDERS}/none/chunks", **chunk), 404) == "order-unknown"
        assert refused(self.issue(desk, other, **chunk), 404) == "programme-unknown"


class TestStock:
    def test_what_is_not_funded_is_not_activated(self, desk: Desk) -> None:
        open_programme(desk, "PAY22", activation_requires="cash")
        made = make_stock(desk, 1, "PAY22")
        desk.done("/v1/programmes", programme="BARE22", name="Without cash", shares={"region": 1})
        desk.done("/v1/programmes/BARE22/rules", rule_version=1, rules=RULES)
        without = make_stock(desk, 1, "BARE22")
        activate = {"millesime": MILLESIME, "carnets": without.serials}

        answer = desk.post("/v1/programmes/BARE22/activations", **activate)
        assert refused(answer, 409) == "funding-insufficient"
        other = desk.post("/v1/programmes/PAY22/activations", **activate)
        assert refused(other, 404) == "carnet-unknown"
        desk.done("/v1/programmes/PAY22/activations", millesime=MILLESIME, carnets=made.serials)

    def test_a_parcel_moves_as_a_whole(self, shared: Served, desk: Desk) -> None:
        made = make_stock(desk, 3, order=some_order())
        first, second, third = made.serials
        desk.done("/v1/transfers", carnets=[second], sender=REGION, receiver=TOWN_HALL)
        before = shared.log_size()

        moves = {"sender": REGION, "receiver": TOWN_HALL}
        answer = desk.post("/v1/transfers", carnets=[first, second, third], **moves)
        assert refused(answer, 409) == "holder-differs"
        assert shared.log_size() == before
        desk.done("/v1/transfers", carnets=[first, third], **moves)

    def test_tickets_are_handed_out_once(self, desk: Desk) -> None:
        made = make_stock(desk, 1, order=some_order())
        (serial,) = made.serials
        assign = f"/v1/carnets/{serial}/assignments"
        given = {"holder": REGION, "beneficiary": new_id()}
        assert refused(desk.post(assign, **given), 409) == "carnet-not-activated"
        desk.done(f"/v1/programmes/{PROGRAMME}/activations", millesime=MILLESIME, carnets=[serial])
        desk.done(assign, tickets=[5, 1], **given)

        assert refused(desk.post(assign, tickets=[4, 5], **given), 409) == (
            "ticket-already-assigned"
        )
        elsewhere = {**given, "holder": TOWN_HALL}
        assert refused(desk.post(assign, tickets=[2], **elsewhere), 409) == "holder-differs"


class TestVenues:
    def test_a_venue_is_registered_once(self, desk: Desk) -> None:
        again = {"venue": VENUE, "name": "x", "region": "27", "department": "25"}

        assert refused(desk.post("/v1/venues", **again), 409) == "venue-exists"

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
