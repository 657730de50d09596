"""Read your own writes: wait until a read model has reached a position."""

import asyncio
from time import monotonic
from typing import NamedTuple

from projections.projection import AsyncConnection
from projections.tracking import APPLICATION

_POSITION = """
SELECT t.notification_id, s.stopped_at, s.stopped_because
FROM projection_tracking AS t JOIN projection_states AS s USING (projection)
WHERE t.projection = %s AND t.application_name = %s
"""
SHORTEST, LONGEST = 0.01, 0.1  # seconds between two looks


class Standing(NamedTuple):
    """Where a read model is, and the event that it can't take, where there is one."""

    position: int = 0
    stopped_at: int | None = None
    stopped_because: str | None = None


class NotReachedError(TimeoutError):
    """The read model isn't there yet, or won't get there."""


async def standing_of(connection: AsyncConnection, projection: str) -> Standing:
    """Where a read model is now; at 0 where there is none yet."""
    cursor = await connection.execute(_POSITION, [projection, APPLICATION])
    row = await cursor.fetchone()
    return Standing(*row) if row else Standing()


async def wait_for(
    connection: AsyncConnection, projection: str, position: int, seconds: float = 2.0
) -> int:
    """Return where the read model is as soon as that is `position` or later.

    Raises:
        NotReachedError: it was not there in time, or has stopped before; the message says which.
    """
    deadline = monotonic() + seconds
    pause = SHORTEST
    while True:
        reached, stopped_at, because = await standing_of(connection, projection)
        if reached >= position:
            return reached
        if stopped_at is not None:
            raise NotReachedError(f"{projection} stopped at position {stopped_at}: {because}")
        if monotonic() + pause > deadline:
            raise NotReachedError(f"{projection} is at {reached}, not yet at {position}")
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST)
