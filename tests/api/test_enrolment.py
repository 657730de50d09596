"""Devices are invited once, and enrolled with a key that only they can have."""

import secrets

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.api.device import Device, b64u
from tests.api.ledgers import AUTHORITY, Served
from tests.api.operating import VENUE, answered, invite, new_id, refused

# Points of order 1, 2, 4 and 8, and encodings of a y that is not reduced (RFC 8032, 5.1.3).
LOW_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]
NOT_CANONICAL = [
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.fixture
def invited(shared: Served, client: httpx.Client) -> tuple[Device, str]:
    """A device with a fresh invitation."""
    return Device(client, AUTHORITY), invite(shared.operator)


class TestInvitations:
    def test_an_invitation_is_shown_once_and_not_stored(self, shared: Served) -> None:
        asked = {"venue": VENUE, "label": "accueil", "command_id": new_id()}
        made = shared.operator.http.post("/v1/terminals", json=asked)
        code = answered(made, 201)["invitation"]

        assert made.headers["cache-control"] == "no-store"
        assert made.json()["qr"] == f"souche:{AUTHORITY}/{code}"
        again = shared.operator.http.post("/v1/terminals", json=asked)
        assert refused(again, 409) == "command-id-reused"
        assert shared.count_events_with(code) == 0
        assert shared.count_events_with(made.json()["terminal"]) == 1

    def test_an_unknown_venue_gets_none(self, shared: Served) -> None:
        asked = shared.operator.post("/v1/terminals", venue="21620010500015", label="accueil")

        assert refused(asked, 404) == "venue-unknown"

    def test_it_is_used_once(self, client: httpx.Client, invited: tuple[Device, str]) -> None:
        device, code = invited
        device.enrol(code)

        other = Device(client, AUTHORITY)
        again = client.post("/v1/terminals/enrol", json=other.enrolment(code))

        assert refused(again, 409) == "invitation-used"

    def test_a_retry_with_the_same_key_gets_the_same_answer(
        self, client: httpx.Client, invited: tuple[Device, str]
    ) -> None:
        device, code = invited
        first = client.post("/v1/terminals/enrol", json=device.enrolment(code)).json()
        again = client.post("/v1/terminals/enrol", json=device.enrolment(code)).json()

        assert first == again
        assert first["venue"] == VENUE

    def test_one_that_nobody_made_enrols_nobody(self, client: httpx.Client) -> None:
        code = "t-0123456789ab-" + "0" * 30
        answer = client.post("/v1/terminals/enrol", json=Device(client, AUTHORITY).enrolment(code))

        assert refused(answer, 404) == "invitation-unknown"

    def test_what_strangers_invent_leaves_nothing_behind(
        self, shared: Served, client: httpx.Client, invited: tuple[Device, str]
    ) -> None:
        """Neither for a device that nobody invited nor for one that somebody did."""
        _, code = invited
        before = shared.query("SELECT count(*) FROM refusals")
        for terminal in ("t-0123456789ab", code[:14]):
            wrong = Device(client, AUTHORITY).enrolment(f"{terminal}-{secrets.token_hex(15)}")
            answer = client.post("/v1/terminals/enrol", json=wrong)
            assert refused(answer, 404) == "invitation-unknown"

        assert shared.query("SELECT count(*) FROM refusals") == before


class TestKeys:
    @pytest.mark.parametrize("raw", LOW_ORDER + NOT_CANONICAL)
    def test_a_key_that_anybody_could_sign_with_is_refused(
        self, shared: Served, client: httpx.Client, invited: tuple[Device, str], raw: str
    ) -> None:
        """A signature of R = the identity and S = 0 fits a low-order key and any message."""
        body = invited[0].enrolment(invited[1])
        body["public_key"] = b64u(bytes.fromhex(raw))
        body["signature"] = b64u(bytes([1]) + bytes(63))
        before = shared.log_size()

        assert refused(client.post("/v1/terminals/enrol", json=body), 401) == "unauthenticated"
        assert shared.log_size() == before

    def test_the_key_has_to_sign_its_enrolment(
        self, client: httpx.Client, invited: tuple[Device, str]
    ) -> None:
        device, code = invited
        body = device.enrolment(code)
        device.key = Ed25519PrivateKey.generate()
        stolen = {**device.enrolment(code), "public_key": body["public_key"]}

        assert refused(client.post("/v1/terminals/enrol", json=stolen), 401) == "unauthenticated"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("public_key", b64u(bytes(31))),
            ("public_key", b64u(bytes(33))),
            ("public_key", "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2il"),  # stray bits at the end
            ("signature", b64u(bytes(63))),
            ("signature", b64u(bytes(65))),
            ("signature", "AA"),
        ],
    )
    def test_a_key_or_signature_of_another_length_is_refused(
        self, client: httpx.Client, invited: tuple[Device, str], field: str, value: str
    ) -> None:
        body = {**invited[0].enrolment(invited[1]), field: value}

        assert refused(client.post("/v1/terminals/enrol", json=body), 401) == "unauthenticated"

    def test_a_browser_without_ed25519_enrols_with_p256(
        self, client: httpx.Client, invited: tuple[Device, str]
    ) -> None:
        device, code = invited
        key = ec.generate_private_key(ec.SECP256R1())

        def sign(told: str) -> str:
            r, s = decode_dss_signature(key.sign(told.encode(), ec.ECDSA(SHA256())))
            return b64u(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        told = f"souche-enrol-v1\n{AUTHORITY}\n{code}\n{b64u(point)}"
        body = {
            "invitation": code,
            "algorithm": "ecdsa-p256-sha256",
            "public_key": b64u(point),
            "signature": sign(told),
        }
        device.terminal = answered(client.post("/v1/terminals/enrol", json=body), 201)["terminal"]
        nonce = device.challenge()
        proof = {
            "terminal": device.terminal,
            "nonce": nonce,
            "signature": sign(f"souche-session-v1\n{AUTHORITY}\n{device.terminal}\n{nonce}"),
        }

        assert answered(client.post("/v1/sessions", json=proof), 201)["session"]

    @pytest.mark.parametrize("point", ["04" + "11" * 64, "00" * 65, "02" + "11" * 64])
    def test_a_point_that_is_not_on_the_curve_is_refused(
        self, client: httpx.Client, invited: tuple[Device, str], point: str
    ) -> None:
        body = invited[0].enrolment(invited[1])
        body["algorithm"] = "ecdsa-p256-sha256"
        body["public_key"] = b64u(bytes.fromhex(point))

        assert refused(client.post("/v1/terminals/enrol", json=body), 401) == "unauthenticated"
