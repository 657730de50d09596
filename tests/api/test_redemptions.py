"""Redeem and retry: what a terminal is told."""

import time
from uuid import uuid4

import msgspec
import pytest

from api.limits import GUESSES_A_SECOND, GUESSES_AT_ONCE
from tests.api.device import Device
from tests.api.ledgers import TODAY, Served
from tests.api.operating import (
    OTHER_VENUE,
    PROGRAMME,
    VENUE,
    answered,
    make_stock,
    refused,
)


class TestRedeeming:
    def test_the_receipt_says_all_that_happened(
        self, shared: Served, device: Device, carnet: list[str]
    ) -> None:
        claim = device.claim(*carnet[:2])
        told = answered(device.post("/v1/redemptions", claim), 201)

        served_at = told.pop("served_at")
        assert served_at.startswith(f"{TODAY:%Y-%m-%dT%H:}")
        assert told == {
            "claim_id": claim["claim_id"],
            "position": shared.log_size(),
            "carnet": f"{PROGRAMME}-{carnet[0][5:12]}",
            "tickets": [1, 2],
            "amount_cents": 2000,
            "venue": VENUE,
            "served_on": "2022-05-17",
            "replayed": False,
        }

    def test_a_code_is_read_as_people_type_it(self, device: Device, carnet: list[str]) -> None:
        code = carnet[0]
        typed = f" {code[:5]}-{code[5:12]}-{code[12:14]}-{code[14:21]}-{code[21]}".lower()

        assert answered(device.redeem(typed.replace("0", "o").replace("1", "l")), 201)

    def test_a_retry_gets_the_first_answer(
        self, shared: Served, device: Device, carnet: list[str]
    ) -> None:
        claim = device.claim(carnet[0])
        first = answered(device.post("/v1/redemptions", claim), 201)
        before = shared.log_size()

        again = answered(device.post("/v1/redemptions", claim), 200)

        assert again == {**first, "replayed": True}
        assert shared.log_size() == before

    def test_a_retry_gets_it_after_a_void_too(self, device: Device, carnet: list[str]) -> None:
        claim = device.claim(carnet[0])
        first = answered(device.post("/v1/redemptions", claim), 201)
        answered(device.void(claim["claim_id"], carnet[0]), 201)

        again = {**first, "replayed": True, "voided": True}
        assert answered(device.post("/v1/redemptions", claim), 200) == again
        batch = answered(device.post("/v1/redemptions/batch", {"claims": [claim]}), 200)
        assert batch["verdicts"][0]["voided"] is True

    def test_the_devices_clock_is_kept_as_evidence(
        self, shared: Served, device: Device, carnet: list[str]
    ) -> None:
        """A minute off is within bounds: ours decides, theirs is written down."""
        body = msgspec.json.encode(device.claim(carnet[0]))
        created = int(time.time()) - 60
        answer = device.send(device.sign("/v1/redemptions", body, created=created))

        position = answered(answer, 201)["position"]
        event = answered(shared.auditor.http.get(f"/v1/events/{position}"), 200)["event"]
        assert event["fact"]["signed_at"] == created

    @pytest.mark.parametrize("how", ["other ticket", "more tickets"])
    def test_a_reused_id_is_refused(
        self, shared: Served, device: Device, carnet: list[str], how: str
    ) -> None:
        claim = device.claim(carnet[0])
        answered(device.post("/v1/redemptions", claim), 201)
        other = carnet[1:2] if how == "other ticket" else carnet[:2]
        before = shared.log_size()

        answer = device.post("/v1/redemptions", {**claim, "codes": other})

        assert refused(answer, 409) == "command-id-reused"
        assert shared.log_size() == before

    def test_an_id_of_another_terminal_is_refused(
        self, device: Device, elsewhere: Device, carnet: list[str]
    ) -> None:
        claim = device.claim(carnet[0])
        answered(device.post("/v1/redemptions", claim), 201)

        assert refused(elsewhere.post("/v1/redemptions", claim), 409) == "command-id-reused"

    def test_a_ticket_is_taken_once_and_the_other_venue_stays_unknown(
        self, device: Device, elsewhere: Device, carnet: list[str]
    ) -> None:
        taken = answered(device.redeem(carnet[0]), 201)

        answer = elsewhere.redeem(*carnet[:2])

        assert refused(answer, 409) == "ticket-already-redeemed"
        assert answer.json()["redeemed_at"] == taken["served_at"]
        assert VENUE not in answer.text
        assert device.terminal not in answer.text

    def test_of_two_venues_that_took_a_ticket_it_is_kept_who_signed_first(
        self, shared: Served, device: Device, elsewhere: Device, carnet: list[str]
    ) -> None:
        """By the devices' own clocks. The answer says nothing of what was asked."""
        taken = answered(device.redeem(carnet[0]), 201)
        claim = elsewhere.claim(carnet[0])
        created = int(time.time()) - 60
        signed = elsewhere.sign("/v1/redemptions", msgspec.json.encode(claim), created=created)

        answer = elsewhere.send(signed)

        assert refused(answer, 409) == "ticket-already-redeemed"
        assert answer.json().keys().isdisjoint({"carnet", "tickets", "sequence", "signed_at"})
        assert shared.kept_of(claim["claim_id"]) == [
            {
                "carnet": f"{PROGRAMME}-{carnet[0][5:12]}",
                "tickets": [1],
                "sequence": claim["sequence"],
                "signed_at": created,
                "redeemed_at": taken["served_at"],
            }
        ]

    def test_what_was_refused_stays_whole(
        self, device: Device, elsewhere: Device, carnet: list[str]
    ) -> None:
        """All tickets of a claim, or none."""
        answered(device.redeem(carnet[0]), 201)
        assert refused(elsewhere.redeem(*carnet[:2]), 409)

        assert answered(elsewhere.redeem(carnet[1]), 201)["venue"] == OTHER_VENUE

    def test_more_tickets_than_a_workshop_takes(self, device: Device, carnet: list[str]) -> None:
        assert refused(device.redeem(*carnet[:3]), 422) == "too-many-tickets"


class TestCodes:
    """A code that is wrong, one of no carnet and one that is no code look the same."""

    def unknown(self, carnet: list[str]) -> dict[str, str]:
        code = carnet[0]
        return {
            "another secret": self.forged(code[:14], code),
            "no such ticket": self.forged(code[:12] + "99", code),
            "no such carnet": self.forged(code[:5] + "9999999" + "01", code),
            "no such programme": self.forged("ZZZZ" + code[5:14], code),
            "a wrong check character": code[:-1] + ("A" if code[-1] != "A" else "B"),
            "no code at all": "hello",
            "not ASCII": "é" * 20,
        }

    def forged(self, serial: str, code: str) -> str:
        """A well-formed code of another secret."""
        for last in "ABCDEFGH":
            text = serial + code[14:20] + last
            check = int(text.translate(BASE_32), 32) % 37
            if check < 32 and text + ALPHABET[check] != code:
                return text + ALPHABET[check]
        raise AssertionError

    def test_they_all_get_one_answer(
        self, shared: Served, spare: Device, carnet: list[str]
    ) -> None:
        before = shared.log_size()

        answers = {what: spare.redeem(code) for what, code in self.unknown(carnet).items()}

        assert {answer.status_code for answer in answers.values()} == {404}
        assert len({answer.text for answer in answers.values()}) == 1
        assert answers["no code at all"].json()["reason"] == "code-unknown"
        assert shared.log_size() == before

    def test_a_check_says_the_same_of_all(self, spare: Device, carnet: list[str]) -> None:
        found = [spare.check(code) for code in self.unknown(carnet).values()]

        assert {answer.text for answer in found} == {'{"redeemable":false,"reason":"code-unknown"}'}

    def test_one_wrong_code_spoils_the_claim(self, spare: Device, carnet: list[str]) -> None:
        wrong = self.forged(carnet[1][:14], carnet[1])

        assert refused(spare.redeem(carnet[0], wrong), 404) == "code-unknown"

    def test_guesses_at_a_serial_can_be_counted_and_their_secrets_are_kept_nowhere(
        self, shared: Served, spare: Device, carnet: list[str]
    ) -> None:
        guesses = [self.forged(code[:14], code) for code in carnet[:2]]
        claim = spare.claim(*guesses)
        for _ in range(2):
            assert refused(spare.post("/v1/redemptions", claim), 404) == "code-unknown"

        found = [(each["carnet"], each["tickets"]) for each in shared.kept_of(claim["claim_id"])]
        assert found == [(f"{PROGRAMME}-{carnet[0][5:12]}", [1, 2])] * 2
        for code in guesses:
            with_secret = f"FROM refusals WHERE refusals::text LIKE '%{code[14:21]}%'"
            assert shared.query(f"SELECT count(*) {with_secret}") == 0

    def test_guessing_is_slowed_down(self, spare: Device, carnet: list[str]) -> None:
        while (answer := spare.redeem("hello")).status_code == 404:
            pass

        assert refused(answer, 429) == "too-many-requests"
        assert refused(spare.redeem(carnet[0]), 429) == "too-many-requests"

    def test_whoever_guesses_is_told_for_how_long_to_wait(self, spare: Device) -> None:
        """For a batch of guesses, as long as for all of them one after the other."""
        spare.post("/v1/redemptions/batch", {"claims": [spare.claim("hello") for _ in range(40)]})
        told = spare.redeem("hello").headers["retry-after"]

        assert int(told) == pytest.approx((40 - GUESSES_AT_ONCE + 1) / GUESSES_A_SECOND, abs=5)

    @pytest.mark.parametrize("codes", ["two carnets", "one twice"])
    def test_a_claim_takes_tickets_of_one_carnet_each_once(
        self, shared: Served, device: Device, carnet: list[str], codes: str
    ) -> None:
        other = make_stock(shared.operator, 1, order=f"o-{uuid4().hex[:8]}")
        second = carnet[0] if codes == "one twice" else other.codes[other.serials[0]][0]

        assert refused(device.redeem(carnet[0], second), 422) == "invalid"


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE_32 = str.maketrans(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")
