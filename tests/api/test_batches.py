"""Batches: a verdict for each claim, in the order of the claims."""

from typing import Any

from tests.api.device import Device
from tests.api.ledgers import Served
from tests.api.operating import VENUE, Stock, answered, new_id

BATCH = "/v1/redemptions/batch"


def verdicts(device: Device, claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answered(device.post(BATCH, {"claims": claims}), 200)["verdicts"]
    assert [verdict["claim_id"] for verdict in found] == [claim["claim_id"] for claim in claims]
    return found


def test_each_claim_has_its_verdict_in_order(
    shared: Served, spare: Device, carnet: list[str]
) -> None:
    first, second = spare.claim(carnet[0]), spare.claim(carnet[1])
    claims = [
        first,
        spare.claim("hello"),
        spare.claim(*carnet[2:5]),
        second,
        spare.claim(carnet[0]),
    ]
    before = shared.log_size()

    found = verdicts(spare, claims)

    assert [verdict["status"] for verdict in found] == [201, 404, 422, 201, 409]
    assert [verdict.get("reason") for verdict in found] == [
        None,
        "code-unknown",
        "too-many-tickets",
        None,
        "ticket-already-redeemed",
    ]
    assert {found[0]["position"], found[3]["position"]} == {before + 1, before + 2}
    assert shared.log_size() == before + 2


def test_a_verdict_says_what_a_receipt_says(device: Device, carnet: list[str]) -> None:
    claim = device.claim(carnet[0], carnet[1])
    (taken,) = verdicts(device, [claim])

    assert taken == {
        "claim_id": claim["claim_id"],
        "status": 201,
        "position": taken["position"],
        "carnet": f"BFC22-{carnet[0][5:12]}",
        "tickets": [1, 2],
        "amount_cents": 2000,
        "venue": VENUE,
        "served_at": taken["served_at"],
        "served_on": "2022-05-17",
    }
    again = answered(device.post("/v1/redemptions", claim), 200)
    assert again == {**{name: taken[name] for name in taken if name != "status"}, "replayed": True}


def test_a_verdict_says_what_a_problem_says(
    device: Device, carnet: list[str], stock: Stock
) -> None:
    """Also when a redeemed ticket was taken, and what is wrong with a claim over two carnets."""
    _, others = stock.codes.popitem()
    answered(device.redeem(carnet[0]), 201)
    claims = [device.claim(carnet[0]), device.claim(carnet[1], others[0])]
    singly = [device.post("/v1/redemptions", claim).json() for claim in claims]

    redeemed, several = verdicts(device, claims)

    told = [
        {**problem, "claim_id": claim["claim_id"]}
        for claim, problem in zip(claims, singly, strict=True)
    ]
    for each in told:
        assert each.pop("retry") is False
    assert [redeemed, several] == told
    assert redeemed["redeemed_at"].endswith("Z")
    assert several["detail"] == "codes: the tickets of one carnet, each once"


def test_the_same_ticket_several_times_has_one_winner(
    shared: Served, device: Device, carnet: list[str]
) -> None:
    before = shared.log_size()

    found = verdicts(device, [device.claim(carnet[0]) for _ in range(50)])

    assert sorted(verdict["status"] for verdict in found) == [201] + [409] * 49
    assert shared.log_size() == before + 1


def test_the_same_claim_twice_is_one_redemption(
    shared: Served, device: Device, carnet: list[str]
) -> None:
    claim = device.claim(carnet[0])
    before = shared.log_size()

    found = verdicts(device, [claim, claim])

    assert sorted(verdict["status"] for verdict in found) == [200, 201]
    assert len({verdict["position"] for verdict in found}) == 1
    assert shared.log_size() == before + 1


def test_one_id_for_two_claims_is_refused_once(device: Device, carnet: list[str]) -> None:
    claim = device.claim(carnet[0])

    found = verdicts(device, [claim, {**claim, "codes": [carnet[1]]}])

    assert sorted(verdict["status"] for verdict in found) == [201, 409]


def test_a_batch_can_be_sent_again(shared: Served, device: Device, carnet: list[str]) -> None:
    claims = [device.claim(code) for code in carnet]
    first = verdicts(device, claims)
    before = shared.log_size()

    again = verdicts(device, claims)

    assert [verdict["status"] for verdict in first] == [201] * 5
    assert again == [{**verdict, "status": 200, "replayed": True} for verdict in first]
    assert shared.log_size() == before


def test_one_bad_claim_does_not_spoil_the_others(device: Device, carnet: list[str]) -> None:
    bad = device.claim(carnet[0], carnet[0])
    found = verdicts(device, [device.claim(carnet[1]), bad, device.claim(carnet[2])])

    assert [verdict["status"] for verdict in found] == [201, 422, 201]


def test_five_hundred_claims_are_taken_and_one_more_is_not(
    shared: Served, device: Device, stock: Stock
) -> None:
    codes = [code for _ in range(100) for code in stock.codes.popitem()[1]]
    claims = [device.claim(code) for code in codes]
    before = shared.log_size()

    refused = device.post(BATCH, {"claims": [*claims, device.claim(codes[0])]})
    assert answered(refused, 422)["reason"] == "invalid"
    assert shared.log_size() == before

    assert {verdict["status"] for verdict in verdicts(device, claims)} == {201}
    assert shared.log_size() == before + 500


def test_one_claim_is_a_batch_and_none_is_not(device: Device, carnet: list[str]) -> None:
    assert verdicts(device, [device.claim(carnet[0])])[0]["status"] == 201
    assert answered(device.post(BATCH, {"claims": []}), 422)["reason"] == "invalid"


def test_a_claim_that_is_malformed_refuses_the_batch(
    shared: Served, device: Device, carnet: list[str]
) -> None:
    """What can't be read has no id that a verdict could name."""
    before = shared.log_size()

    answer = device.post(
        BATCH, {"claims": [device.claim(carnet[0]), {"claim_id": new_id(), "sequence": 1}]}
    )

    assert answered(answer, 422)["reason"] == "invalid"
    assert shared.log_size() == before
