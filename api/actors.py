"""Who may ask what: roles, and the tokens that stand for them.

Apart from `tokens`, which needs the framework: that takes longer to load than a command to run.
"""

import re
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

import msgspec
from psycopg import Connection

# One person is one name. By case, or by letters that only look alike, one would pass for two.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")

PREFIX: Final = "souche_"  # so that secret scanners find a leaked one

FIND: Final = """
SELECT actor, role FROM api_tokens WHERE sha256 = %b AND revoked_at IS NULL
"""
_KEEP: Final = """
INSERT INTO api_tokens (id, sha256, actor, role, created_at) VALUES (%s, %s, %s, %s, %s)
"""


class Role(StrEnum):
    """What a token may do."""

    OPERATOR = "operator"
    APPROVER = "approver"
    AUDITOR = "auditor"  # reads


class Actor(msgspec.Struct, frozen=True):
    """Who asks: their id as it stands on every fact, and their role."""

    id: str
    role: Role


def make_token(owner: Connection[tuple[object, ...]], name: str, role: Role, at: datetime) -> str:
    """Make a token for the person `name` and keep its digest. It is shown once.

    What the person does stands under the same id with any role, or one who has two tokens would
    pass for two people.

    `owner` is a connection as the ledger's owner: the service itself can make no tokens.

    Raises:
        ValueError: the name has capital letters or others than ASCII has, or is none.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a person's name: 1 to 40 lower-case letters, digits, dots, - and _")
    token = PREFIX + token_urlsafe(32)
    kept = digest(token)
    owner.execute(_KEEP, (kept.hex()[:16], kept, f"person:{name}", role, at))
    return token


def digest(token: str) -> bytes:
    """What is kept of a token, which is random and long: nothing slower is needed."""
    return sha256(token.encode()).digest()
