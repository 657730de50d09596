import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ledger.values.keys import (
    InvalidKeyError,
    decode_base64url,
    encode_base64url,
    enrolment_message,
    fingerprint,
    public_key,
    roll_message,
    session_message,
)
from tests.builders.world import FINGERPRINT, KEY

FIELD = 2**255 - 19
ORDER_8 = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826


def test_an_ed25519_key_takes_its_own_signatures_only() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key = public_key("ed25519", encode_base64url(private.public_key().public_bytes_raw()))
    signature = private.sign(b"a nonce")

    assert key.verify(signature, b"a nonce")
    assert not key.verify(signature, b"another nonce")
    assert not key.verify(signature[:-1], b"a nonce")
    assert not key.verify(b"", b"a nonce")


def test_a_p256_key_takes_signatures_as_browsers_make_them() -> None:
    private = generate_private_key(SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key = public_key("ecdsa-p256-sha256", encode_base64url(point))
    der = private.sign(b"a nonce", ECDSA(SHA256()))
    raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))

    assert key.verify(raw, b"a nonce")
    assert not key.verify(raw, b"another nonce")
    assert not key.verify(der, b"a nonce")
    assert not key.verify(bytes(64), b"a nonce")


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize(
    "y",
    [0, 1, FIELD - 1, ORDER_8, FIELD - ORDER_8, FIELD, FIELD + 1, 2**255 - 1],
    ids=["order 4", "order 1", "order 2", "order 8", "order 8 too", "0 + p", "1 + p", "largest"],
)
def test_points_of_low_order_and_other_ways_to_write_a_point_are_refused(y: int, sign: int) -> None:
    """Somebody without any private key could make signatures that such a key takes."""
    raw = (y | sign << 255).to_bytes(32, "little")

    with pytest.raises(InvalidKeyError):
        public_key("ed25519", encode_base64url(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x04" + bytes(63) + b"\x01",
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
        b"\x06" + bytes(64),
        bytes(65),
        bytes(33),
        b"\x00",
    ],
)
def test_what_is_no_point_of_p256_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        public_key("ecdsa-p256-sha256", encode_base64url(raw))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_an_ed25519_key_has_32_bytes(length: int) -> None:
    with pytest.raises(InvalidKeyError):
        public_key("ed25519", encode_base64url(b"\x05" * length))


@given(st.binary())
def test_base64url_has_one_way_to_write_bytes(raw: bytes) -> None:
    text = encode_base64url(raw)

    assert decode_base64url(text) == raw
    assert set(text).isdisjoint("+/=")


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "A+", "A/", "AA AA", "AA\n", "é", "AA="])
def test_other_ways_to_write_base64url_are_refused(text: str) -> None:
    with pytest.raises(InvalidKeyError):
        decode_base64url(text)


def test_a_fingerprint_names_the_key() -> None:
    """Pinned: it stands in facts."""
    assert fingerprint(KEY) == FINGERPRINT


def test_a_signature_for_one_purpose_serves_no_other() -> None:
    given = ("souche.example", "t-0", "x")
    made = {session_message(*given), enrolment_message(*given), roll_message(*given, "x")}

    assert len(made) == 3
    assert session_message("a", "t-0", "n") == b"souche-session-v1\na\nt-0\nn"
