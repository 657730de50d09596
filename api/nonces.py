"""Nonces for terminals to sign, and what a signed one proves.

A nonce carries our seal, so that handing it out stores nothing; it is stored when it is spent, so
that it is good once, on whichever host.
"""

import secrets
from datetime import timedelta
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Final

from api.problems import ProblemError, problem
from api.reading import reading
from api.state import Service
from api.streams import reference_of
from ledger.decisions.reference import TerminalEntry
from ledger.values.clock import real_now, unix_now
from ledger.values.ids import TerminalId, terminal_stream
from ledger.values.keys import InvalidKeyError, decode_base64url, public_key, session_message
from ledger.values.reasons import Reason

NONCE_SECONDS: Final = 120
_SPEND: Final = """
INSERT INTO spent_nonces (nonce, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING true
"""
_FORGET: Final = "DELETE FROM spent_nonces WHERE expires_at < %s"


def make_nonce(service: Service, terminal: TerminalId) -> str:
    """A nonce for this terminal, good for two minutes."""
    drawn = f"{int(unix_now()) + NONCE_SECONDS}.{secrets.token_hex(12)}"
    return f"{drawn}.{_seal(service, terminal, drawn)}"


async def prove(
    service: Service, terminal: TerminalId, nonce: str, signature: str
) -> TerminalEntry:
    """The device, once its key has signed this nonce, and nobody used it before.

    Raises:
        ProblemError: any of it fails. An unknown terminal looks like a wrong signature.
    """
    drawn, _, seal = nonce.rpartition(".")
    if not compare_digest(_seal(service, terminal, drawn).encode(), seal.encode()):
        raise ProblemError(problem("nonce-spent"))
    if unix_now() >= int(drawn.partition(".")[0]):
        raise ProblemError(problem("nonce-spent"))
    async with reading(service) as connection:  # the log knows of a key that was made just now
        known = await reference_of(connection, [terminal_stream(terminal)])
    entry = known.terminals.get(terminal)
    if entry is None or entry.algorithm is None:
        raise ProblemError(problem("unauthenticated"))
    if entry.revoked:
        raise ProblemError(problem(Reason.TERMINAL_REVOKED))
    message = session_message(service.sessions.authority, terminal, nonce)
    try:
        signed = decode_base64url(signature)
    except InvalidKeyError as e:
        raise ProblemError(problem("unauthenticated")) from e
    if not public_key(entry.algorithm, entry.public_key).verify(signed, message):
        raise ProblemError(problem("unauthenticated"))
    await _spend(service, drawn)
    return entry


async def _spend(service: Service, drawn: str) -> None:
    now = real_now()
    async with service.tokens.connection() as connection:
        await connection.execute(_FORGET, (now,))
        expires_at = now + timedelta(seconds=NONCE_SECONDS)
        cursor = await connection.execute(_SPEND, (drawn, expires_at))
        if await cursor.fetchone() is None:
            raise ProblemError(problem("nonce-spent"))


def _seal(service: Service, terminal: str, drawn: str) -> str:
    """Marks a nonce as ours and this terminal's."""
    told = f"souche-nonce-v1 {terminal} {drawn}".encode()
    return hmac_digest(service.secrets.session_key, told, "sha256")[:16].hex()
