"""Sessions and the signatures of terminals' requests.

One fixed profile of RFC 9421 (HTTP Message Signatures) with an RFC 9530 digest: anything else is
refused. The MAC key follows from the server's secret and the session's id, so nothing is stored,
and any host that has the secret can check any session.
"""

import hmac
import re
import secrets
from binascii import b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.problems import ProblemError, problem
from ledger.values.clock import unix_now
from ledger.values.ids import TerminalId

SESSION_SECONDS: Final = 15 * 60
LARGEST_SKEW: Final = 120  # seconds between `created` and our clock

_PARAMETERS: Final = re.compile(
    rb'souche=(\("@method" "@authority" "@path" "content-digest"\);'
    rb'created=([0-9]{1,12});keyid="([a-z0-9.-]{1,96})";alg="hmac-sha256")'
)
_SESSION: Final = re.compile(r"(t-[0-9a-f]{12})\.([0-9a-f]{16})\.([0-9]{1,12})\.[0-9a-f]{16}")


class Session(NamedTuple):
    """What a session's id says: it is believed only when its MAC fits."""

    terminal: TerminalId
    fingerprint: str  # of the key that opened it
    expires_at: int  # Unix seconds, our real clock
    mac_key: bytes
    prepared: hmac.HMAC  # with that key; copied for each request, which is quicker than a new one


class Signer(NamedTuple):
    """Who signed a request, and when by their clock."""

    terminal: TerminalId
    fingerprint: str  # of the key that opened the session
    signed_at: int  # Unix seconds


class Sessions:
    """Opens sessions and checks what is signed with them."""

    def __init__(self, session_key: bytes, authority: str) -> None:
        self._session_key = session_key
        self.authority = authority
        self._after_method = b'\n"@authority": ' + authority.encode() + b'\n"@path": '
        self._session = lru_cache(maxsize=16_384)(self._read_session)

    def open(self, terminal: TerminalId, fingerprint: str) -> tuple[str, Session]:
        """A new session of a device that has just signed a nonce: its id, and what it means."""
        expires_at = int(unix_now()) + SESSION_SECONDS
        session = f"{terminal}.{fingerprint}.{expires_at}.{secrets.token_hex(8)}"
        return session, self._read_session(session)

    def authenticate(self, method: str, path: bytes, headers: Mapping[bytes, bytes]) -> Signer:
        """Whoever signed this request. Its body is theirs if `check_body` says so.

        Raises:
            ProblemError: the signature is missing, of another profile, wrong, too old or too
                new, or the session is over.
        """
        profile = _PARAMETERS.fullmatch(headers.get(b"signature-input", b""))
        if profile is None:
            raise ProblemError(problem("unauthenticated"))
        signed, created, session_id = profile.groups()
        session = self._session(session_id.decode())
        base = b"".join(
            (
                b'"@method": ',
                method.encode(),
                self._after_method,
                path,
                b'\n"content-digest": ',
                headers.get(b"content-digest", b""),
                b'\n"@signature-params": ',
                signed,
            )
        )
        keyed = session.prepared.copy()
        keyed.update(base)
        mac = _in_base64(b"souche=:", keyed.digest())
        if not compare_digest(mac, headers.get(b"signature", b"")):
            raise ProblemError(problem("unauthenticated"))
        now = unix_now()
        signed_at = int(created)
        if abs(now - signed_at) > LARGEST_SKEW:
            raise ProblemError(problem("signature-expired"))
        if now >= session.expires_at:
            raise ProblemError(problem("session-ended"))
        return Signer(session.terminal, session.fingerprint, signed_at)

    def _read_session(self, session: str) -> Session:
        parts = _SESSION.fullmatch(session)
        if parts is None:
            raise ProblemError(problem("unauthenticated"))
        terminal, fingerprint, expires_at = parts.groups()
        info = b"souche-mac-v1 " + session.encode()
        mac_key = HKDF(SHA256(), 32, salt=None, info=info).derive(self._session_key)
        prepared = hmac.new(mac_key, digestmod="sha256")
        return Session(TerminalId(terminal), fingerprint, int(expires_at), mac_key, prepared)


def check_body(headers: Mapping[bytes, bytes], body: bytes) -> None:
    """Go on only with the body that the headers' digest, which is signed, is of.

    Raises:
        ProblemError: it is another body, or the digest is missing or of another kind.
    """
    if headers.get(b"content-digest") != _in_base64(b"sha-256=:", sha256(body).digest()):
        raise ProblemError(problem("unauthenticated"))


def _in_base64(label: bytes, octets: bytes) -> bytes:
    """A byte sequence of RFC 8941, behind its label: `sha-256=:…:`."""
    return b"%b%b:" % (label, b2a_base64(octets, newline=False))
