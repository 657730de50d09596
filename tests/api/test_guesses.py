"""However a device guesses, it shows ten unknown codes and then one every six seconds."""

import asyncio
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from api.guesses import TRUSTED, DeviceGuesses
from api.limits import GUESSES_A_SECOND, GUESSES_AT_ONCE, guess_limit
from api.problems import ProblemError
from ledger.values.codes import ALPHABET, check_character
from tests.api.device import Device
from tests.api.ledgers import Served
from tests.api.operating import Stock, answered, circulate, make_stock, refused

BATCH = "/v1/redemptions/batch"


def forged(code: str) -> str:
    """Another secret of the same ticket, with its check character."""
    while True:
        payload = code[:-8] + "".join(secrets.choice(ALPHABET) for _ in range(7))
        if (check := check_character(payload)) and payload + check != code:
            return payload + check


def malformed(_: str) -> str:
    return "hello"


def own_stock(shared: Served, carnets: int) -> Stock:
    made = make_stock(shared.operator, carnets, order=f"o-{uuid4().hex[:8]}")
    circulate(shared.operator, made)
    return made


def told_unknown(verdicts: list[dict[str, Any]]) -> int:
    """How many are; the others have to come back."""
    others = [each for each in verdicts if each.get("reason") != "code-unknown"]
    assert {(each["reason"], each["retry"]) for each in others} <= {("too-many-requests", True)}
    return len(verdicts) - len(others)


@pytest.mark.parametrize("guess", [forged, malformed])
def test_a_batch_gives_no_more_guesses_than_single_claims(
    shared: Served, spare: Device, carnet: list[str], guess: Callable[[str], str]
) -> None:
    before = shared.query("SELECT count(*) FROM refusals")
    guesses = [spare.claim(guess(carnet[0])) for _ in range(500)]
    verdicts = answered(spare.post(BATCH, {"claims": guesses}), 200)["verdicts"]

    assert told_unknown(verdicts) == GUESSES_AT_ONCE
    assert shared.query("SELECT count(*) FROM refusals") <= before + GUESSES_AT_ONCE
    answer = spare.redeem(carnet[0])
    assert refused(answer, 429) == "too-many-requests"
    assert int(answer.headers["retry-after"]) <= 1 / GUESSES_A_SECOND


def test_guesses_side_by_side_are_no_more(spare: Device, carnet: list[str]) -> None:
    """Singly, in batches, as checks and as voids, all at once."""
    began = time.monotonic()

    def batch(_: int) -> int:
        answer = spare.post(BATCH, {"claims": [spare.claim(forged(carnet[0])) for _ in range(400)]})
        return told_unknown(answer.json()["verdicts"]) if answer.status_code == 200 else 0

    def single(_: int) -> int:
        return spare.redeem(forged(carnet[0])).status_code == 404

    def check(_: int) -> int:
        return "code-unknown" in spare.check(forged(carnet[0])).text

    def void(_: int) -> int:
        return spare.void(str(uuid4()), forged(carnet[0])).status_code == 404

    with ThreadPoolExecutor(48) as crowd:
        asked = [crowd.submit(way, 0) for way in [batch, *[single, check, void] * 40, batch]]
        found = sum(each.result() for each in asked)

    assert found >= GUESSES_AT_ONCE
    assert found <= GUESSES_AT_ONCE + (time.monotonic() - began) * GUESSES_A_SECOND


def test_good_codes_among_them_buy_no_more_guesses_than_they_are(
    shared: Served, spare: Device
) -> None:
    """Nor do retries of them: only tickets that are newly taken count."""
    codes = [code for found in own_stock(shared, 4).codes.values() for code in found]
    claims = [spare.claim(code) for code in codes]
    for _ in range(3):
        answered(spare.post(BATCH, {"claims": claims}), 200)
    guesses = [spare.claim(forged(codes[0])) for _ in range(400)]
    mixed = [*claims, *guesses]
    verdicts = answered(spare.post(BATCH, {"claims": mixed}), 200)["verdicts"]

    assert {each["status"] for each in verdicts[:20]} == {200}
    assert GUESSES_AT_ONCE <= told_unknown(verdicts[20:]) <= GUESSES_AT_ONCE + len(codes)


def test_honest_claims_are_all_taken_however_many_are_under_way(
    shared: Served, spare: Device
) -> None:
    """A device that nobody knows yet: a large batch, and dozens of single ones beside it."""
    codes = [code for found in own_stock(shared, 112).codes.values() for code in found]
    batch = {"claims": [spare.claim(code) for code in codes[:500]]}
    with ThreadPoolExecutor(61) as crowd:
        large = crowd.submit(spare.post, BATCH, batch)
        single = list(crowd.map(lambda code: spare.redeem(code).status_code, codes[500:]))

    assert {each["status"] for each in answered(large.result(), 200)["verdicts"]} == {201}
    assert single == [201] * 60


def test_a_batch_with_too_many_unknown_codes_is_answered_in_the_end(
    spare: Device, carnet: list[str]
) -> None:
    """Sent again as it is, it costs nothing again what was told before."""
    unknown = [spare.claim(forged(carnet[0])) for _ in range(int(GUESSES_AT_ONCE) + 1)]
    body = {"claims": [*unknown, spare.claim(carnet[0])]}
    first = answered(spare.post(BATCH, body), 200)["verdicts"]
    again = spare.post(BATCH, body)
    assert refused(again, 429) == "too-many-requests"

    time.sleep(int(again.headers["retry-after"]))
    last = answered(spare.post(BATCH, body), 200)["verdicts"]
    time.sleep(1 / GUESSES_A_SECOND)
    taken = answered(spare.post(BATCH, body), 200)["verdicts"]

    assert [each["status"] for each in first] == [404] * 10 + [429] * 2
    assert [each["status"] for each in last] == [404] * 11 + [429]
    assert [each["status"] for each in taken] == [404] * 11 + [201]


class TestRoom:
    """What a device may have under way."""

    @staticmethod
    def granted(claims: int) -> DeviceGuesses:
        device = DeviceGuesses(guess_limit(), "device")
        device.note_granted(claims)
        return device

    @pytest.mark.parametrize(("claims", "room"), [(0, 10), (1, 11), (90, 100), (1000, 110)])
    def test_it_grows_with_what_was_granted_up_to_a_bound(self, claims: int, room: int) -> None:
        assert self.granted(claims).take(500) == room <= GUESSES_AT_ONCE + TRUSTED

    def test_an_unknown_code_takes_it_back(self) -> None:
        device = self.granted(1000)
        device.note_unknown("a", ["code"])

        assert device.take(500) == 9

    def test_all_that_was_trusted_is_waited_for(self) -> None:
        """Nothing of it is forgiven: the longest wait is as long."""
        device = self.granted(1000)
        for number in range(device.take(500)):
            device.note_unknown(str(number), ["code"])

        with pytest.raises(ProblemError) as told:
            device.require()
        assert int(told.value.headers["retry-after"]) == TRUSTED / GUESSES_A_SECOND

    def test_whoever_finds_none_waits_for_what_is_under_way(self) -> None:
        async def crowd() -> None:
            device = self.granted(0)
            room = device.take(10)
            late = [asyncio.create_task(device.wait(4)) for _ in range(3)]
            await asyncio.sleep(0.01)
            assert not any(each.done() for each in late)
            device.release(room)
            assert [await each for each in late] == [4, 4, 2]

        asyncio.run(crowd())
