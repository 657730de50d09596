"""Connections for reads, and read models that are not there yet as an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Query
from psycopg.errors import UndefinedTable

from api.fields import LARGEST_POSITION
from api.problems import ProblemError, problem
from api.state import Service, ServiceDep
from projections.lag import lag
from projections.projection import AsyncConnection
from projections.waiting import NotReachedError, wait_for

PATIENCE: Final = 3.0  # seconds that a read model is given to reach the position asked for
LOOK_EVERY: Final = 0.05  # seconds

AtLeast = Annotated[
    int,
    Query(
        ge=0,
        le=LARGEST_POSITION,
        description="A position that the answer has to include, such as a receipt's.",
    ),
]


@asynccontextmanager
async def reading(service: Service) -> AsyncIterator[AsyncConnection]:
    """A connection that sees the read models and the log.

    Raises:
        ProblemError: a read model is not where it has to be, or does not exist yet.
    """
    async with service.views.connection() as connection:
        try:
            yield connection
        except (NotReachedError, UndefinedTable) as e:
            raise ProblemError(problem("lagging")) from e


async def _views(service: ServiceDep) -> AsyncIterator[AsyncConnection]:
    async with reading(service) as connection:
        yield connection


Views = Annotated[AsyncConnection, Depends(_views)]


class Reached(NamedTuple):
    """A connection to read by, and the position that its read model had come to before."""

    views: AsyncConnection
    position: int


@asynccontextmanager
async def reached(service: Service, projection: str, at_least: int) -> AsyncIterator[Reached]:
    """A read model that has come to `at_least`.

    Raises:
        ProblemError: it had not in time, or never will; or the log itself is not that long.
    """
    position = await reach(service, projection, at_least, PATIENCE)
    async with reading(service) as views:
        yield Reached(views, position)


async def reach(service: Service, projection: str, at_least: int, seconds: float) -> int:
    """Wait for a read model. No connection is held meanwhile: others have to read.

    Raises:
        ProblemError: as `reached`.
    """
    deadline = monotonic() + seconds
    found = await _look(service, projection, at_least)
    if found is None and not await _may_come(service, projection, at_least):
        raise ProblemError(problem("lagging"))
    while found is None:
        if monotonic() + LOOK_EVERY > deadline:
            raise ProblemError(problem("lagging"))
        await asyncio.sleep(LOOK_EVERY)
        found = await _look(service, projection, at_least)
    return found


async def _look(service: Service, projection: str, at_least: int) -> int | None:
    """The position that a read model has come to, if that is `at_least`."""
    async with reading(service) as views:
        try:
            return await wait_for(views, projection, at_least, seconds=0)
        except NotReachedError:
            return None


async def _may_come(service: Service, projection: str, at_least: int) -> bool:
    """Whether there is such a position at all, and the read model has not stopped before it."""
    async with reading(service) as views:
        models = await lag(views, service.database)
    return any(
        model.projection == projection
        and model.state != "stopped"
        and at_least <= model.position + model.events_behind
        for model in models
    )
