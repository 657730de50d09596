"""Connections for reads, and read models that are not there yet as an answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import Depends, Query
from psycopg.errors import UndefinedTable

from api.fields import LARGEST_POSITION
from api.problems import ProblemError, problem
from api.state import Service, ServiceDep
from projections.projection import AsyncConnection
from projections.waiting import NotReachedError, wait_for

PATIENCE: Final = 3.0  # seconds that a read model is given to reach the position asked for

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


async def reached(views: AsyncConnection, projection: str, at_least: int) -> int:
    """The position that a read model has come to, once that is `at_least`.

    Raises:
        NotReachedError: it was not in time.
    """
    return await wait_for(views, projection, at_least, PATIENCE)
