"""Connections for reads, and read models that are not there yet as an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Annotated, Final, NamedTuple, TypedDict

from fastapi import Depends, Query
from psycopg.errors import UndefinedTable

from api.fields import LARGEST_POSITION
from api.problems import ProblemError, problem
from api.state import Service, ServiceDep
from projections.lag import lag
from projections.projection import AsyncConnection
from projections.waiting import NotReachedError, Standing, standing_of

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


class At(TypedDict):
    """Where a read model was before it was read."""

    position: int
    stopped_at: int | None  # the position of the event that it can't take, where there is one


class Reached(NamedTuple):
    """A connection to read by, and where its read model was before."""

    views: AsyncConnection
    at: At


@asynccontextmanager
async def reached(service: Service, projection: str, at_least: int) -> AsyncIterator[Reached]:
    """A read model that has come to `at_least`.

    Raises:
        ProblemError: it had not in time, or never will; or the log itself is not that long.
    """
    found = await reach(service, projection, at_least, PATIENCE)
    async with reading(service) as views:
        yield Reached(views, At(position=found.position, stopped_at=found.stopped_at))


async def reach(service: Service, projection: str, at_least: int, seconds: float) -> Standing:
    """Wait for a read model. No connection is held meanwhile: others have to read.

    Raises:
        ProblemError: as `reached`.
    """
    deadline = monotonic() + seconds
    found = await _look(service, projection)
    if found.position < at_least and not await _is_so_long(service, projection, at_least):
        raise ProblemError(problem("lagging"))
    while found.position < at_least:
        if found.stopped_at is not None:
            told = f"{projection} stopped before the event at position {found.stopped_at}"
            raise ProblemError(problem("stopped", told))
        if monotonic() + LOOK_EVERY > deadline:
            raise ProblemError(problem("lagging"))
        await asyncio.sleep(LOOK_EVERY)
        found = await _look(service, projection)
    return found


async def _look(service: Service, projection: str) -> Standing:
    async with reading(service) as views:
        return await standing_of(views, projection)


async def _is_so_long(service: Service, projection: str, position: int) -> bool:
    """Whether the log has such a position at all, and somebody may have made the read model."""
    async with reading(service) as views:
        models = await lag(views, service.database)
    return any(
        model.projection == projection and position <= model.position + model.events_behind
        for model in models
    )
