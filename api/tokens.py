"""API tokens of operators, approvers and auditors. Denied by default."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.actors import FIND, Actor, Role, digest
from api.problems import ProblemError, problem
from api.state import Service, ServiceDep
from api.strangers import proving

_bearer = HTTPBearer(auto_error=False, description="A token made by `souche init`.")


async def caller(
    request: Request,
    service: ServiceDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    """Whoever shows a good token.

    Raises:
        ProblemError: there is none, or it is unknown or revoked, or too many at their address were.
    """
    if credentials is None:
        told = problem("unauthenticated", "send the header `Authorization: Bearer` and a token")
        raise ProblemError(told, {"www-authenticate": "Bearer"})
    with proving(request, service):
        return await _actor(service, credentials.credentials)


async def _actor(service: Service, token: str) -> Actor:
    async with service.tokens.connection() as connection:
        cursor = await connection.execute(FIND, (digest(token),))
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
