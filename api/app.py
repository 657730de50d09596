"""The application: hot routes as bare ASGI, all else in FastAPI, one edge around both."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Final

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from api import (
    clearing,
    docs,
    health,
    history,
    openapi,
    orders,
    programmes,
    sessions,
    stock,
    terminals,
    venues,
    views,
)
from api.bodies import place_of
from api.hotpath import Hotpath
from api.problems import CONTENT_TYPE, Problem, ProblemError, headers_for, problem
from api.state import running
from api.wire import (
    LARGEST_BODY,
    Receive,
    Scope,
    Send,
    answer_problem,
    encode,
    headers_of,
    refuse_other_bodies,
)
from ledger.decisions.situation import InvalidCommandError
from ledger.postgres import Database
from ledger.settings import Settings

OpenDatabase = Callable[[], AbstractContextManager[Database]]

_STATUSES: Final = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}


class Souche:
    """The ASGI application. Hot paths skip the framework; every body is at most 1 MiB."""

    def __init__(self, cold: FastAPI) -> None:
        self.cold = cold
        self.hotpath: Hotpath | None = None  # until the service runs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            hotpath = self.hotpath
            if hotpath is not None and (handler := hotpath.handler(scope["path"])):
                await hotpath(scope, receive, send, handler)
                return
            try:
                refuse_other_bodies(headers_of(scope))
            except ProblemError as e:
                await answer_problem(send, e.problem)
                return
            receive = _limited(receive)
        await self.cold(scope, receive, send)


def create_app(settings: Settings, database: Database) -> Souche:
    """The service on a database that is up and migrated."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.openapi()  # takes a third of a second, which no terminal should wait for
        async with running(settings, database) as service:
            app.state.service = service
            souche.hotpath = service.hotpath
            yield

    app = FastAPI(
        title="Souche",
        summary="Clearing of prepaid social vouchers",
        version="1",
        lifespan=lifespan,
        docs_url=None,  # the framework's pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # another address is another address
    )
    for module in (
        sessions,
        programmes,
        orders,
        stock,
        venues,
        terminals,
        clearing,
        views,
        history,
        health,
        docs,
    ):
        app.include_router(module.router)
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    for unavailable in (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout):
        app.add_exception_handler(unavailable, _on_unavailable)
    app.add_exception_handler(InvalidCommandError, _on_invalid_command)
    app.add_exception_handler(Exception, _on_failure)
    openapi.describe(app)
    souche = Souche(app)
    return souche


def _respond(told: Problem, headers: dict[str, str] | None = None) -> Response:
    return Response(
        encode(told),
        told.status,
        {"cache-control": "no-store", **headers_for(told), **(headers or {})},
        CONTENT_TYPE.decode(),
    )


async def _on_problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return _respond(error.problem, error.headers)


async def _on_invalid(_: Request, error: Exception) -> Response:
    """Where and what, never the value: it may be a code or a key."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return _respond(problem("malformed"))
    told = "; ".join(f"{place_of(each['loc'])}: {each['msg']}" for each in found[:5])
    return _respond(problem("invalid", told))


async def _on_invalid_command(_: Request, error: Exception) -> Response:
    return _respond(problem("invalid", str(error)))


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    reason = _STATUSES.get(error.status_code, "malformed")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (route := request.scope.get("route")):
        headers["Allow"] = openapi.methods_of(request.app, route.path)
    detail = "GET /docs tells what there is" if reason == "not-found" else ""
    return _respond(problem(reason, detail), headers)


async def _on_unavailable(_: Request, __: Exception) -> Response:
    return _respond(problem("unavailable"))


async def _on_failure(_: Request, __: Exception) -> Response:
    return _respond(problem("failed"))


def _limited(receive: Receive) -> Receive:
    """`receive`, until it has given more than 1 MiB."""
    given = 0

    async def limited() -> dict[str, object]:
        nonlocal given
        message = await receive()
        given += len(message.get("body", b""))
        if given > LARGEST_BODY:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return dict(message)

    return limited
