"""What single streams of the log hold, read from the log itself."""

from collections.abc import Iterable
from typing import Final, TypeVar

from ledger.decisions.folds import FOLDS
from ledger.decisions.reference import Reference
from ledger.facts import Event
from ledger.facts.codec import decode
from ledger.log.rows import READ
from ledger.log.store import StoredRow
from ledger.values.ids import StreamId
from projections.projection import AsyncConnection

T = TypeVar("T")

_ANY: Final = "SELECT FROM events WHERE originator_id = %b LIMIT 1"
_AT: Final = "SELECT state FROM events WHERE notification_id = %b"


async def stored(connection: AsyncConnection, stream: StreamId) -> list[StoredRow]:
    """The positions and bytes of a stream, in its order."""
    cursor = await connection.execute(READ, {"streams": [stream]}, binary=True)
    return await cursor.fetchall()


async def has_begun(connection: AsyncConnection, stream: StreamId) -> bool:
    """Whether what the stream tells of was ever made known."""
    cursor = await connection.execute(_ANY, (stream,), binary=True)
    return await cursor.fetchone() is not None


async def events_of(connection: AsyncConnection, stream: StreamId) -> list[tuple[int, Event]]:
    """The positions and events of a stream, in its order."""
    return [(position, decode(state)) for position, state in await stored(connection, stream)]


def fold(events: Iterable[tuple[int, Event]], kind: type[T]) -> T | None:
    """What a stream's events come to, as a decision would see it; None where there are none.

    Raises:
        TypeError: they come to something else.
    """
    state = None
    for position, event in events:
        state = FOLDS[type(event.fact)](state, event, event.fact, position)
    if state is not None and not isinstance(state, kind):
        raise TypeError(f"a stream came to {type(state).__name__}, not {kind.__name__}")
    return state


async def reference_of(connection: AsyncConnection, streams: Iterable[StreamId]) -> Reference:
    """Reference data as these streams tell it now.

    What a writer has in memory is as of its last batch: good to decide on, since the append
    checks it, and for nothing else.
    """
    reference = Reference()
    cursor = await connection.execute(READ, {"streams": list(streams)}, binary=True)
    for position, state in await cursor.fetchall():
        reference.fold(decode(state).fact, position)
    return reference


async def stored_at(connection: AsyncConnection, position: int) -> bytes | None:
    """The bytes at a position, or None behind the log's end."""
    cursor = await connection.execute(_AT, (position,), binary=True)
    row = await cursor.fetchone()
    return bytes(row[0]) if row else None
