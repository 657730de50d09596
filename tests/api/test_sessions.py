"""Devices are let in by signing a nonce, until their key is rolled or they are revoked."""

from datetime import datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.device import Device, b64u
from tests.api.ledgers import AUTHORITY, Served, serving
from tests.api.operating import OTHER_VENUE, answered, invite, new_id, refused

NEW = Ed25519PrivateKey.generate()


@pytest.fixture
def invited(shared: Served, client: httpx.Client) -> tuple[Device, str]:
    """A device with a fresh invitation."""
    return Device(client, AUTHORITY), invite(shared.operator)


class TestSessions:
    def test_a_session_lasts_a_quarter_of_an_hour_by_the_real_clock(
        self, client: httpx.Client, spare: Device
    ) -> None:
        """The demo's clock stands in 2022; security does not follow it."""
        opened = answered(client.post("/v1/sessions", json=spare.proof(spare.challenge())), 201)

        server_time = datetime.fromisoformat(opened["server_time"])
        lasts = datetime.fromisoformat(opened["expires_at"]) - server_time
        assert 895 <= lasts.total_seconds() <= 900
        assert server_time.year >= 2025

    def test_a_device_that_has_just_enrolled_opens_a_session_on_any_host(
        self, shared: Served, invited: tuple[Device, str]
    ) -> None:
        """Another process has not seen the enrolment in any batch of its own yet."""
        device, code = invited
        with (
            serving(shared.database, shared.data) as other,
            httpx.Client(base_url=other, timeout=20) as client,
        ):
            device.enrol(code)
            device.http = client
            device.open_session()
            assert device.check("BFC22-0001234-03-Y5XC1KP-2").status_code == 200

    def test_a_nonce_is_good_for_one_session(self, client: httpx.Client, spare: Device) -> None:
        proof = spare.proof(spare.challenge())
        answered(client.post("/v1/sessions", json=proof), 201)

        assert refused(client.post("/v1/sessions", json=proof), 401) == "nonce-spent"

    def test_a_nonce_is_spent_on_every_host(
        self, shared: Served, client: httpx.Client, spare: Device
    ) -> None:
        proof = spare.proof(spare.challenge())
        answered(client.post("/v1/sessions", json=proof), 201)
        with serving(shared.database, shared.data) as other:
            answer = httpx.post(f"{other}/v1/sessions", json=proof)

        assert refused(answer, 401) == "nonce-spent"

    def test_a_nonce_of_another_terminal_is_none(
        self, client: httpx.Client, spare: Device, elsewhere: Device
    ) -> None:
        proof = spare.proof(elsewhere.challenge())

        assert refused(client.post("/v1/sessions", json=proof), 401) == "nonce-spent"

    @pytest.mark.parametrize(
        "nonce", ["", "1", "99999999999.aa.bb", "é.é.é", "..", "-1.aa." + "0" * 32]
    )
    def test_a_nonce_that_we_did_not_make_is_none(
        self, client: httpx.Client, spare: Device, nonce: str
    ) -> None:
        answer = client.post("/v1/sessions", json=spare.proof(nonce))

        assert refused(answer, 401) == "nonce-spent"

    def test_a_nonce_can_not_be_made_to_last(self, client: httpx.Client, spare: Device) -> None:
        expiry, _, rest = spare.challenge().partition(".")
        longer = f"{int(expiry) + 60}.{rest}"

        assert refused(client.post("/v1/sessions", json=spare.proof(longer)), 401) == "nonce-spent"

    def test_an_unknown_terminal_looks_like_a_wrong_signature(
        self, client: httpx.Client, spare: Device
    ) -> None:
        wrong = {**spare.proof(spare.challenge()), "signature": b64u(bytes(64))}
        spare.terminal = "t-000000000000"
        unknown = spare.proof(spare.challenge())

        answers = [client.post("/v1/sessions", json=body) for body in (wrong, unknown)]

        assert [answer.status_code for answer in answers] == [401, 401]
        assert answers[0].json() == answers[1].json()

    def test_a_signature_for_another_authority_opens_nothing(
        self, client: httpx.Client, spare: Device
    ) -> None:
        """A service that pretends to be ours can't pass a device's signature on."""
        spare.authority = "phishing.example.org"
        answer = client.post("/v1/sessions", json=spare.proof(spare.challenge()))

        assert refused(answer, 401) == "unauthenticated"


class TestEndings:
    def ended(self, device: Device, code: str, status: int) -> set[str]:
        """What the device is told wherever it asks."""
        answers = [
            device.redeem(code),
            device.check(code),
            device.void(new_id(), code),
        ]
        batch = answered(
            device.post("/v1/redemptions/batch", {"claims": [device.claim(code)]}), 200
        )
        told = {refused(answer, status) for answer in answers}
        return told | {verdict["reason"] for verdict in batch["verdicts"]}

    def test_a_rolled_key_ends_its_sessions(
        self, shared: Served, spare: Device, carnet: list[str]
    ) -> None:
        spare.roll()
        before = shared.log_size()

        assert self.ended(spare, carnet[0], 401) == {"session-ended"}
        assert shared.log_size() == before
        spare.open_session()
        assert spare.redeem(carnet[0]).status_code == 201

    def test_the_old_key_opens_no_session(self, client: httpx.Client, spare: Device) -> None:
        spare.key = spare.roll()

        answer = client.post("/v1/sessions", json=spare.proof(spare.challenge()))

        assert refused(answer, 401) == "unauthenticated"

    def test_a_revoked_device_is_out_at_once(
        self, shared: Served, client: httpx.Client, spare: Device, carnet: list[str]
    ) -> None:
        revoke = f"/v1/terminals/{spare.terminal}/revocations"
        shared.operator.done(revoke, cause="stolen")
        before = shared.log_size()

        assert self.ended(spare, carnet[0], 403) == {"terminal-revoked"}
        assert self.ended(spare, "no code", 403) == {"terminal-revoked"}
        answer = client.post("/v1/sessions", json=spare.proof(spare.challenge()))
        assert refused(answer, 403) == "terminal-revoked"
        assert shared.log_size() == before
        assert refused(shared.operator.post(revoke, cause="stolen"), 403) == "terminal-revoked"

    def test_a_revocation_holds_on_every_host(
        self, shared: Served, spare: Device, carnet: list[str]
    ) -> None:
        with (
            serving(shared.database, shared.data) as other,
            httpx.Client(base_url=other, timeout=20) as client,
        ):
            spare.http = client
            assert spare.check(carnet[0]).json()["redeemable"]
            shared.operator.done(f"/v1/terminals/{spare.terminal}/revocations", cause="stolen")

            assert self.ended(spare, carnet[0], 403) == {"terminal-revoked"}

    def test_nobody_revokes_what_does_not_exist(self, shared: Served) -> None:
        answer = shared.operator.post("/v1/terminals/t-000000000000/revocations", cause="stolen")

        assert refused(answer, 404) == "not-found"


class TestRolling:
    """A key is replaced only by whom the old key names, and once."""

    def test_it_needs_the_old_key(
        self, shared: Served, client: httpx.Client, spare: Device
    ) -> None:
        thief = Device(client, AUTHORITY, terminal=spare.terminal)
        before = shared.log_size()
        answer = client.post("/v1/terminals/roll", json=thief.rolling(thief.key))
        asked = {**thief.rolling(NEW), "old_signature": b64u(bytes(64))}

        assert refused(client.post("/v1/terminals/roll", json=asked), 401) == "unauthenticated"
        assert shared.log_size() == before
        assert refused(answer, 401) == "unauthenticated"

    def test_nobody_puts_another_key_in_its_place(
        self, shared: Served, client: httpx.Client, spare: Device
    ) -> None:
        """What was seen on the way serves only the key that the device named."""
        seen = spare.rolling(NEW)
        told = f"souche-roll-v1\n{AUTHORITY}\n{spare.terminal}\n{seen['nonce']}\n"
        thief = Device(client, AUTHORITY)
        signed = thief.key.sign(f"{told}{thief.public_key}".encode())
        asked = {**seen, "public_key": thief.public_key, "signature": b64u(signed)}
        before = shared.log_size()

        assert refused(client.post("/v1/terminals/roll", json=asked), 401) == "unauthenticated"
        assert shared.log_size() == before

    def test_a_signature_that_opens_a_session_rolls_no_key(
        self, client: httpx.Client, spare: Device
    ) -> None:
        proof = spare.proof(spare.challenge())
        asked = {**Device(client, AUTHORITY, key=spare.key, terminal=spare.terminal).rolling(NEW)}
        asked |= {"nonce": proof["nonce"], "old_signature": proof["signature"]}

        assert refused(client.post("/v1/terminals/roll", json=asked), 401) == "unauthenticated"

    def test_the_new_key_has_to_prove_itself(self, client: httpx.Client, spare: Device) -> None:
        asked = spare.rolling(NEW)
        asked["signature"] = asked["old_signature"]

        assert refused(client.post("/v1/terminals/roll", json=asked), 401) == "unauthenticated"

    def test_a_retry_gets_the_first_answer(
        self, shared: Served, client: httpx.Client, spare: Device
    ) -> None:
        """As it was sent, or with a new nonce: the device still has the old key in use."""
        asked = spare.rolling(NEW)
        first = answered(client.post("/v1/terminals/roll", json=asked), 201)
        before = shared.log_size()

        for again in (asked, spare.rolling(NEW)):
            assert answered(client.post("/v1/terminals/roll", json=again), 201) == first
        assert shared.log_size() == before == first["position"]

    def test_a_retry_needs_the_new_key(self, client: httpx.Client, spare: Device) -> None:
        asked = spare.rolling(NEW)
        answered(client.post("/v1/terminals/roll", json=asked), 201)
        asked["signature"] = asked["old_signature"]

        assert refused(client.post("/v1/terminals/roll", json=asked), 401) == "unauthenticated"

    def test_a_key_does_not_come_back(
        self, shared: Served, client: httpx.Client, spare: Device, carnet: list[str]
    ) -> None:
        """The sessions that were opened with it would."""
        first = spare.roll(NEW)
        before = shared.log_size()

        answer = client.post("/v1/terminals/roll", json=spare.rolling(first))

        assert refused(answer, 409) == "key-used"
        assert refused(spare.redeem(carnet[0]), 401) == "session-ended"
        assert shared.log_size() == before

    def test_who_has_seen_a_roll_can_not_bring_its_key_back(
        self, client: httpx.Client, spare: Device
    ) -> None:
        seen = spare.rolling(NEW)
        answered(client.post("/v1/terminals/roll", json=seen), 201)
        spare.key = NEW
        spare.roll()

        assert refused(client.post("/v1/terminals/roll", json=seen), 401) == "unauthenticated"

    def test_a_nonce_is_good_for_one_roll(self, client: httpx.Client, spare: Device) -> None:
        first = spare.roll(NEW)
        back = spare.rolling(first)

        assert refused(client.post("/v1/terminals/roll", json=back), 409) == "key-used"
        assert refused(client.post("/v1/terminals/roll", json=back), 401) == "nonce-spent"


def test_a_device_of_another_venue_redeems_for_that_venue(
    elsewhere: Device, carnet: list[str]
) -> None:
    assert answered(elsewhere.redeem(carnet[0]), 201)["venue"] == OTHER_VENUE
