"""Nonces for terminals to sign.

A nonce carries our seal, so that handing it out stores nothing; it is stored when it is spent, so
that it is good once, on whichever host.
"""

import secrets
from datetime import timedelta
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Final

from api.problems import ProblemError, problem
from api.state import Service
from ledger.values.clock import real_now, unix_now
from ledger.values.ids import TerminalId

NONCE_SECONDS: Final = 120
_SPEND: Final = """
INSERT INTO spent_nonces (nonce, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING true
"""
_FORGET: Final = "DELETE FROM spent_nonces WHERE expires_at < %s"


def make_nonce(service: Service, terminal: TerminalId) -> str:
    """A nonce for this terminal, good for two minutes."""
    drawn = f"{int(unix_now()) + NONCE_SECONDS}.{secrets.token_hex(12)}"
    return f"{drawn}.{_seal(service, terminal, drawn)}"


def check_nonce(service: Service, terminal: TerminalId, nonce: str) -> None:
    """Look at a nonce before anything else is done for whoever shows it.

    Raises:
        ProblemError: we didn't make it, or not for this terminal, or too long ago.
    """
    drawn, _, seal = nonce.rpartition(".")
    if not compare_digest(_seal(service, terminal, drawn).encode(), seal.encode()):
        raise ProblemError(problem("nonce-spent"))
    if unix_now() >= int(drawn.partition(".")[0]):
        raise ProblemError(problem("nonce-spent"))


async def spend(service: Service, nonce: str) -> None:
    """Use up a nonce that was checked, and rightly signed.

    Raises:
        ProblemError: it was used before.
    """
    now = real_now()
    drawn, _, _ = nonce.rpartition(".")
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
