"""Device keys: Ed25519; for a browser that lacks it, ECDSA with P-256."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

KeyAlgorithm = Literal["ed25519", "ecdsa-p256-sha256"]

_FIELD: Final = 2**255 - 19
_ED25519_BYTES: Final = 32
_P256_BYTES: Final = 65  # uncompressed: 04, x, y
_P256_COORDINATE: Final = 32
# The y coordinates of the points of order 1, 2, 4 and 8 (RFC 7748 §6.1; RFC 8032 §5.1.7 admits
# them). A signature by such a "key" can be made to fit any message.
_ORDER_8_Y: Final = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_LOW_ORDER_Y: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8_Y, _FIELD - _ORDER_8_Y})


class InvalidKeyError(ValueError):
    """The bytes are no public key that a device may have."""


class PublicKey(Protocol):
    """Checks a device's signatures."""

    def verify(self, signature: bytes, message: bytes) -> bool: ...


class _Ed25519:
    def __init__(self, raw: bytes) -> None:
        if len(raw) != _ED25519_BYTES:
            raise InvalidKeyError("an Ed25519 key has 32 bytes")
        y = int.from_bytes(raw, "little") & (2**255 - 1)
        if y >= _FIELD:
            raise InvalidKeyError("a key that is not canonical")
        if y in _LOW_ORDER_Y:
            raise InvalidKeyError("a point of low order")
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    def verify(self, signature: bytes, message: bytes) -> bool:
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class _P256:
    def __init__(self, raw: bytes) -> None:
        if len(raw) != _P256_BYTES:
            raise InvalidKeyError("an uncompressed P-256 key has 65 bytes")
        try:
            self._key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
        except ValueError as e:
            raise InvalidKeyError("a point that is not on the curve") from e

    def verify(self, signature: bytes, message: bytes) -> bool:
        """`signature` is r and s, 32 bytes each, as browsers make it."""
        if len(signature) != 2 * _P256_COORDINATE:
            return False
        r, s = signature[:_P256_COORDINATE], signature[_P256_COORDINATE:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        try:
            self._key.verify(der, message, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def public_key(algorithm: KeyAlgorithm, encoded: str) -> PublicKey:
    """The key in `encoded` (base64url, no padding).

    Raises:
        InvalidKeyError: malformed, not canonical, of low order, or not on its curve.
    """
    raw = decode_base64url(encoded)
    return _Ed25519(raw) if algorithm == "ed25519" else _P256(raw)


def fingerprint(encoded: str) -> str:
    """What names a key in sessions and facts: 16 hexadecimal digits of its SHA-256."""
    return sha256(decode_base64url(encoded)).hexdigest()[:16]


def encode_base64url(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """The bytes of unpadded base64url.

    Raises:
        InvalidKeyError: other characters, padding, or stray bits at the end.
    """
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as e:
        raise InvalidKeyError("not base64url") from e
    if encode_base64url(raw) != text:
        raise InvalidKeyError("not canonical base64url")
    return raw


def session_message(authority: str, terminal: str, nonce: str) -> bytes:
    """What a device signs to open a session."""
    return f"souche-session-v1\n{authority}\n{terminal}\n{nonce}".encode()


def enrolment_message(authority: str, invitation: str, encoded_key: str) -> bytes:
    """What a device signs to show that it holds the key that it enrols."""
    return f"souche-enrol-v1\n{authority}\n{invitation}\n{encoded_key}".encode()


def roll_message(authority: str, terminal: str, nonce: str, encoded_key: str) -> bytes:
    """What a device signs with the old key and with the new one, which it names, to roll to it."""
    return f"souche-roll-v1\n{authority}\n{terminal}\n{nonce}\n{encoded_key}".encode()
