"""What a terminal computes: signatures, codes, ids. `vectors.json` has cases for all but chance.

No I/O, and nothing else of Souche: the standard library and `cryptography` are enough.
"""

import hmac
import re
import secrets
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

Key = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

ED25519, P256 = "ed25519", "ecdsa-p256-sha256"
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_COVERED: Final = '("@method" "@authority" "@path" "content-digest")'
_CODE: Final = re.compile(f"[{ALPHABET}]{{2,8}}[0-9]{{9}}[{ALPHABET}]{{8}}")


def encode_base64url(raw: bytes) -> str:
    """Without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_key(algorithm: str) -> Key:
    """A new private key. Take Ed25519 where there is a choice: it is smaller and quicker."""
    if algorithm not in {ED25519, P256}:
        raise ValueError(f"not an algorithm of ours: {algorithm}")
    if algorithm == P256:
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def key_to_pem(key: Key) -> bytes:
    """PKCS #8, as openssl reads it. Not encrypted: the file's mode protects it."""
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())


def key_from_pem(pem: bytes) -> Key:
    key = form.load_pem_private_key(pem, password=None)
    if not isinstance(key, Key):
        raise TypeError("a device's key is Ed25519 or ECDSA P-256")
    return key


def algorithm_of(key: Key) -> str:
    return ED25519 if isinstance(key, ed25519.Ed25519PrivateKey) else P256


def public_key(key: Key) -> str:
    """Base64url of 32 bytes, or of the uncompressed point of P-256: 65 bytes."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return encode_base64url(key.public_key().public_bytes_raw())
    point = form.Encoding.X962, form.PublicFormat.UncompressedPoint
    return encode_base64url(key.public_key().public_bytes(*point))


def device_message(kind: str, *parts: str) -> bytes:
    """What the device's key signs, by what it is for.

    `session`: authority, terminal, nonce. `enrol`: authority, invitation, public key.
    `roll`, signed with the old key and with the new: authority, terminal, nonce, new public key.
    """
    return "\n".join((f"souche-{kind}-v1", *parts)).encode()


def sign(key: Key, message: bytes) -> str:
    """Base64url of 64 bytes. For P-256 they are r and s, not the DER that libraries give."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return encode_base64url(key.sign(message))
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return encode_base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def key_proof(key: Key, message: bytes) -> dict[str, str]:
    """What enrols a key, or rolls to it: its public part, and the message that names it, signed."""
    return {
        "algorithm": algorithm_of(key),
        "public_key": public_key(key),
        "signature": sign(key, message),
    }


def content_digest(body: bytes) -> str:
    """RFC 9530."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def signature_base(
    authority: str, path: str, session: str, created: int, digest: str
) -> tuple[str, str]:
    """The parameters of a request's signature, and the text that is signed (RFC 9421).

    Five lines, and no line feed at the end.
    """
    parameters = f'{_COVERED};created={created};keyid="{session}";alg="hmac-sha256"'
    lines = (
        '"@method": POST',
        f'"@authority": {authority}',
        f'"@path": {path}',
        f'"content-digest": {digest}',
        f'"@signature-params": {parameters}',
    )
    return parameters, "\n".join(lines)


def signed_headers(
    authority: str, path: str, body: bytes, *, session: str, mac_key: bytes, created: int
) -> dict[str, str]:
    """The headers that sign a request. `created`: Unix seconds, within 120 of the service's."""
    digest = content_digest(body)
    parameters, base = signature_base(authority, path, session, created, digest)
    mac = b64encode(hmac.digest(mac_key, base.encode(), "sha256")).decode()
    return {
        "Content-Digest": digest,
        "Signature-Input": f"souche={parameters}",
        "Signature": f"souche=:{mac}:",
    }


def check_character(payload: str) -> str | None:
    """A code's last character: the rest as a number in base 32, modulo 37. From 32 on, none."""
    remainder = 0
    for letter in payload:
        remainder = (32 * remainder + ALPHABET.index(letter)) % 37
    return ALPHABET[remainder] if remainder < len(ALPHABET) else None


def read_code(typed: str) -> str:
    """A code as typed or scanned, in its one form; so a slip is told before anything is sent.

    Separators and case don't matter, O is 0, I and L are 1.

    Raises:
        ValueError: it can't be a code. The message doesn't repeat it.
    """
    text = typed.upper() if typed.isascii() else ""
    text = text.translate(str.maketrans("OIL", "011", " .-"))
    if not _CODE.fullmatch(text) or check_character(text[:-1]) != text[-1]:
        raise ValueError("not a ticket code")
    return text


def make_id(at_ms: int) -> str:
    """A UUID of version 7: an instant, then chance. They sort in the order of their making."""
    chance = secrets.randbits(74)
    high, low = chance >> 62, chance % (1 << 62)
    return str(UUID(int=at_ms << 80 | 7 << 76 | high << 64 | 2 << 62 | low))
