"""One batch into one read model: its tables and its position in one transaction, or neither."""

import psycopg
from eventsourcing.persistence import IntegrityError

from projections.batch import Batch
from projections.projection import AnyProjection, Connection
from projections.tracking import ProjectionTracking

# The database's trouble, or another process's: no event is to blame, so trying again may help.
PASSING = (psycopg.OperationalError, psycopg.InterfaceError, IntegrityError)

_STOP = """
UPDATE projection_states SET stopped_at = %b, stopped_because = %b WHERE projection = %b
"""


class UnreadableEventsError(ValueError):
    """A batch has an event that the read model wants and this program can't read."""


def apply(connection: Connection, projection: AnyProjection, batch: Batch) -> bool:
    """Take a batch, or as much of it as can be taken; False when it stopped short.

    A batch that fails is halved until the event that it fails at stands alone. What precedes it
    is applied; the read model stops there, and says why.

    Raises:
        psycopg.OperationalError, psycopg.InterfaceError: the database can't be reached.
        IntegrityError: somebody else has moved this read model on.
    """
    try:
        commit(connection, projection, batch)
    except PASSING:
        raise
    except Exception as e:  # noqa: BLE001 - whatever an event brings about, it is kept beside it
        if batch.until - batch.since == 1:
            why = f"{type(e).__name__}: {e}"
            connection.execute(_STOP, [batch.until, why, projection.name])
            return False
    else:
        return True
    middle = (batch.since + batch.until) // 2
    return apply(connection, projection, batch.between(batch.since, middle)) and apply(
        connection, projection, batch.between(middle, batch.until)
    )


def commit(connection: Connection, projection: AnyProjection, batch: Batch) -> None:
    """Write the batch and move the position to its end, also when nothing in it was wanted.

    Raises:
        UnreadableEventsError: see there.
        IntegrityError: the position isn't where the batch begins.
        Exception: whatever the read model has to say.
    """
    broken = [found for found in batch.unreadable if found.topic in projection.topics]
    if broken:
        raise UnreadableEventsError(f"{broken[0].topic} at {broken[0].position}: {broken[0].why}")
    with connection.transaction():
        ProjectionTracking(connection, projection.name).advance(batch.since, batch.until)
        for part in batch.cut_after(projection.cut_after):
            projection.write(connection, projection.summarise(part))
