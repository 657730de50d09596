"""How far behind the log each read model is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from ledger.postgres import Database
from ledger.values.clock import unix_now
from projections.connecting import lead_keys
from projections.projection import AsyncConnection
from projections.tracking import APPLICATION

State = Literal["following", "stopped", "unattended"]

_STATES: Final = """
SELECT s.projection, s.version, t.notification_id, s.stopped_at, s.stopped_because
FROM projection_states AS s JOIN projection_tracking AS t USING (projection)
WHERE t.application_name = %s ORDER BY s.projection
"""
_LEADS: Final = """
SELECT objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::bigint = %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """One read model's state. Seconds are those since the first event that it hasn't taken."""

    projection: str
    version: int
    position: int
    events_behind: int
    # 0 when no event is missing, None when that event can't be read. The log's instants are
    # whole seconds, so this may be one too many.
    seconds_behind: float | None
    state: State  # unattended: no process follows the log for it
    stopped_at: int | None = None  # the position of the event that it can't apply
    stopped_because: str | None = None


async def lag(connection: AsyncConnection, database: Database) -> list[Lag]:
    """The state of every read model, by name."""
    found = await connection.execute(_STATES, [APPLICATION])
    states = await found.fetchall()
    found = await connection.execute(_LEADS, [lead_keys(database, "", 0)[0]])
    led = {key for (key,) in await found.fetchall()}
    found = await connection.execute("SELECT size FROM log_head")  # last: never behind a position
    (size,) = await found.fetchone() or (0,)
    return [
        Lag(
            projection=name,
            version=version,
            position=position,
            events_behind=size - position,
            seconds_behind=await _age(connection, position + 1) if position < size else 0.0,
            state=_state(stopped_at, led=lead_keys(database, name, version)[1] in led),
            stopped_at=stopped_at,
            stopped_because=because,
        )
        for name, version, position, stopped_at, because in states
    ]


def _state(stopped_at: int | None, *, led: bool) -> State:
    if stopped_at is not None:
        return "stopped"
    return "following" if led else "unattended"


class _Header(msgspec.Struct):
    """When an event was recorded; the rest is skipped, so that any fact will do."""

    recorded_at: datetime


class _Origin(msgspec.Struct):
    """The ledger's first fact: a demo's clock is shifted."""

    clock_offset_seconds: int = 0


class _First(msgspec.Struct):
    fact: _Origin


async def _age(connection: AsyncConnection, position: int) -> float | None:
    """Seconds since the event at `position`, by the ledger's own time."""
    found = await connection.execute(
        "SELECT state FROM events WHERE notification_id IN (1, %s) ORDER BY notification_id",
        [position],
    )
    states = [state for (state,) in await found.fetchall()]
    try:
        offset = msgspec.json.decode(states[0], type=_First).fact.clock_offset_seconds
        recorded_at = msgspec.json.decode(states[-1], type=_Header).recorded_at
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return max(0.0, unix_now() + offset - recorded_at.timestamp())
