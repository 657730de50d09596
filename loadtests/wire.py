"""The terminals' requests as bytes, signed and ready to send.

Pure, and written from the protocol's description alone, so that it also
checks the service's own reading of it. Whatever a thousand requests share is
encoded once: a signed redemption takes a few microseconds.
"""

import hmac
import secrets
from binascii import b2a_base64
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

COVERED = '("@method" "@authority" "@path" "content-digest")'
ENTROPY_BITS = 74


@dataclass(frozen=True, slots=True)
class Session:
    """What `POST /v1/sessions` gave a terminal."""

    authority: str  # host:port, lower case, as the service is configured
    id: str
    mac_key: bytes


class Signer:
    """Signs POSTs to one path in one session, in the RFC 9421 profile of the terminals."""

    def __init__(self, session: Session, path: str, created: int) -> None:
        """Encode the shared parts. `created` is in Unix seconds, at most 120 from the service's."""
        parameters = f'{COVERED};created={created};keyid="{session.id}";alg="hmac-sha256"'
        self._parameters = f"souche={parameters}"
        self._key = session.mac_key
        self._base_start = (
            f'"@method": POST\n"@authority": {session.authority}\n"@path": {path}\n'
            '"content-digest": sha-256=:'
        ).encode()
        self._base_end = f':\n"@signature-params": {parameters}'.encode()
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {session.authority}\r\n"
            "Content-Type: application/json\r\n"
            f"Signature-Input: souche={parameters}\r\nContent-Length: "
        ).encode()

    def post(self, body: bytes) -> bytes:
        """Return the whole HTTP/1.1 request."""
        digest, mac = self._sign(body)
        return b"%b%d\r\nContent-Digest: sha-256=:%b:\r\nSignature: souche=:%b:\r\n\r\n%b" % (
            self._head,
            len(body),
            digest,
            mac,
            body,
        )

    def headers(self, body: bytes) -> dict[str, str]:
        """Return what a client that makes its own requests has to add to them."""
        digest, mac = self._sign(body)
        return {
            "Content-Type": "application/json",
            "Content-Digest": f"sha-256=:{digest.decode()}:",
            "Signature-Input": self._parameters,
            "Signature": f"souche=:{mac.decode()}:",
        }

    def _sign(self, body: bytes) -> tuple[bytes, bytes]:
        digest = b2a_base64(sha256(body).digest(), newline=False)
        base = self._base_start + digest + self._base_end
        return digest, b2a_base64(hmac.digest(self._key, base, "sha256"), newline=False)


def session_message(authority: str, terminal: str, nonce: str) -> bytes:
    """Return what a device signs with its key to open a session."""
    return f"souche-session-v1\n{authority}\n{terminal}\n{nonce}".encode()


def unsigned_post(authority: str, path: str, body: bytes) -> bytes:
    """Return a request for a service that asks for no signature."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {authority}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def redemption_body(claim_id: str, codes: Iterable[str], sequence: int) -> bytes:
    """Return the body of one redemption. Ids and codes hold nothing that JSON would escape."""
    quoted = '","'.join(codes)
    return f'{{"claim_id":"{claim_id}","codes":["{quoted}"],"sequence":{sequence}}}'.encode()


def batch_body(redemptions: Iterable[bytes]) -> bytes:
    """Return the body of the batch endpoint from those of single redemptions."""
    return b'{"claims":[%b]}' % b",".join(redemptions)


def new_claim_id(at_ms: int) -> str:
    """Make a UUIDv7, in lower case, as a terminal does before it sends."""
    entropy = secrets.randbits(ENTROPY_BITS)
    value = at_ms << 80 | 0x7 << 76 | entropy >> 62 << 64 | 0b10 << 62 | entropy & (1 << 62) - 1
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
