"""API tokens of operators, approvers and auditors. Denied by default."""

from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from secrets import token_urlsafe
from typing import Annotated, Final

import msgspec
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg import Connection

from api.problems import ProblemError, problem
from api.state import ServiceDep

PREFIX: Final = "souche_"  # so that secret scanners find a leaked one

_FIND: Final = """
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


_bearer = HTTPBearer(auto_error=False, description="A token made by `souche init`.")


def make_token(owner: Connection[tuple[object, ...]], name: str, role: Role, at: datetime) -> str:
    """Make a token for `name` and keep its digest. It is shown once.

    `owner` is a connection as the ledger's owner: the service itself can make no tokens.
    """
    token = PREFIX + token_urlsafe(32)
    kept = sha256(token.encode()).digest()
    owner.execute(_KEEP, (kept.hex()[:16], kept, f"{role}:{name}", role, at))
    return token


async def caller(
    service: ServiceDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    """Whoever shows a good token.

    Raises:
        ProblemError: there is none, or it is unknown or revoked.
    """
    if credentials is None:
        raise ProblemError(problem("unauthenticated"), {"www-authenticate": "Bearer"})
    digest = sha256(credentials.credentials.encode()).digest()
    async with service.tokens.connection() as connection:
        cursor = await connection.execute(_FIND, (digest,))
        row = await cursor.fetchone()
    if row is None:
        raise ProblemError(problem("unauthenticated"), {"www-authenticate": "Bearer"})
    return Actor(row[0], Role(row[1]))


Reader = Annotated[Actor, Depends(caller)]


async def _operator(actor: Reader) -> Actor:
    if actor.role is not Role.OPERATOR:
        raise ProblemError(problem("forbidden"))
    return actor


async def _approver(actor: Reader) -> Actor:
    if actor.role is not Role.APPROVER:
        raise ProblemError(problem("forbidden"))
    return actor


Operator = Annotated[Actor, Depends(_operator)]
Approver = Annotated[Actor, Depends(_approver)]
