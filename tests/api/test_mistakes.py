"""A mistake in a body is told in plain words, by its place, without what was sent."""

from typing import Any, Final

import msgspec
import pytest

from api.answers import problem_of
from api.claims import read_batch, read_check, read_redemption, read_void
from ledger.decisions.programmes import LARGEST_CLAIM
from tests.api.device import Device
from tests.api.operating import answered

CLAIM: Final[dict[str, Any]] = {
    "claim_id": "0190f5fe-7c00-7a00-8abc-0123456789ab",
    "codes": ["BFC22-0001234-03-Y5XC1KP-2"],
    "sequence": 17,
}
LABEL: Final = (
    "not 1 to 40 letters, digits, dots, underscores or hyphens, the first a letter or digit"
)
MISTAKES: Final[list[tuple[dict[str, Any], str]]] = [
    ({"claim_id": CLAIM["claim_id"].upper()}, "claim_id: not a UUID in lower case"),
    ({"claim_id": 7}, "claim_id: not text"),
    ({"codes": "SECRET"}, "codes: not a list"),
    ({"codes": []}, "codes: not at least 1 items"),
    ({"codes": ["SECRET"] * 11}, f"codes: not at most {LARGEST_CLAIM} items"),
    ({"codes": ["SECRET", {}]}, "codes.1: not text"),
    ({"codes": [""]}, "codes.0: not at least 1 characters"),
    ({"codes": ["SECRET" * 11]}, "codes.0: not at most 64 characters"),
    ({"sequence": "SECRET"}, "sequence: not an integer"),
    ({"sequence": 1.5}, "sequence: not an integer"),
    ({"sequence": -1}, "sequence: not at least 0"),
    ({"sequence": 2**53}, f"sequence: not at most {2**53 - 1}"),
    ({"service_code": "SECRET!"}, f"service_code: {LABEL}"),
    ({"workshop_id": 7}, "workshop_id: not text or null"),
    ({"SECRET": 1}, "an unknown field"),
]


def told(read: Any, body: object) -> str:  # noqa: ANN401  # a reader of any of the bodies
    with pytest.raises(msgspec.ValidationError) as caught:
        read(msgspec.json.encode(body))
    found = problem_of(caught.value)
    assert found.reason == "invalid"
    return found.detail


@pytest.mark.parametrize(("change", "words"), MISTAKES)
def test_a_mistake_is_told_in_words(change: dict[str, Any], words: str) -> None:
    assert told(read_redemption, {**CLAIM, **change}) == words


@pytest.mark.parametrize(("change", "words"), MISTAKES)
def test_a_batch_says_which_claim_it_is(change: dict[str, Any], words: str) -> None:
    separator = ": " if words == "an unknown field" else "."
    found = told(read_batch, {"claims": [CLAIM, {**CLAIM, **change}]})
    assert found == f"claims.1{separator}{words}"


def test_what_is_missing_is_named() -> None:
    assert told(read_check, {}) == "codes: missing"
    assert told(read_void, {"codes": ["A"]}) == "void_id: missing"
    assert told(read_batch, {"claims": [{"codes": ["A"]}]}) == "claims.0.claim_id: missing"


@pytest.mark.parametrize("body", [[], 1, "SECRET", None])
def test_what_is_no_object_is_told(body: object) -> None:
    assert told(read_check, body) == "not an object"


def test_the_service_answers_with_these_words(device: Device) -> None:
    answer = device.post("/v1/redemptions", {**CLAIM, "claim_id": "SECRET"})
    assert answered(answer, 422)["detail"] == "claim_id: not a UUID in lower case"
