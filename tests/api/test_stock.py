"""Orders issued chunk by chunk; carnets activated, moved, handed out."""

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
    Desk,
    answered,
    make_stock,
    new_id,
    open_programme,
    refused,
)

ORDERS = f"/v1/programmes/{PROGRAMME}/orders"


@pytest.fixture
def desk(shared: Served) -> Desk:
    return shared.operator


def some_order() -> str:
    return f"o-{uuid4().hex[:8]}"


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
        assert late.json()["detail"] == f"next_number: {first}"
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
        assert answer.json()["detail"] == "requires: cash, missing_cents: 5000"
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
