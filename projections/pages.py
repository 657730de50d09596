"""Pages of the log, decoded as far as anybody wants them."""

from collections.abc import Collection, Sequence

import msgspec

from ledger.facts import AnyFact
from ledger.log.arrays import Texts
from projections.batch import Batch, Unreadable
from projections.projection import Connection

PAGE = 5_000  # positions

_HEAD = "SELECT size FROM log_head"
_READ = """
    SELECT notification_id, topic, state FROM events
    WHERE notification_id > %b AND notification_id <= %b AND topic = ANY(%b)
    ORDER BY notification_id
"""


class _Stored(msgspec.Struct, gc=False):
    """An event without its header, which no read model looks at: skipped, not parsed."""

    fact: AnyFact


_decode = msgspec.json.Decoder(_Stored).decode


def head(connection: Connection) -> int:
    """The position of the last event. Whatever is read later sees all up to it."""
    row = connection.execute(_HEAD, binary=True).fetchone()
    return int(row[0]) if row else 0


def read_page(connection: Connection, since: int, until: int, topics: Collection[str]) -> Batch:
    """The events at (since, until] with these topics. Positions have no gap, so neither has it."""
    wanted = Texts(sorted(topics))
    rows = connection.execute(_READ, [since, until, wanted], binary=True).fetchall()
    try:
        recorded = [(position, _decode(state).fact) for position, _, state in rows]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_one_by_one(since, until, rows)
    return Batch(since, until, recorded)


def _read_one_by_one(since: int, until: int, rows: Sequence[tuple[int, str, bytes]]) -> Batch:
    recorded: list[tuple[int, AnyFact]] = []
    unreadable: list[Unreadable] = []
    for position, topic, state in rows:
        try:
            recorded.append((position, _decode(state).fact))
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            unreadable.append(Unreadable(position, topic, str(e)))
    return Batch(since, until, recorded, unreadable)
