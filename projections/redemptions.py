"""Redemptions a day, as they were served. Voids are counted with the programme, not here."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from psycopg.rows import class_row

from ledger.facts import TicketsRedeemed
from ledger.log.arrays import Numbers, Texts
from projections.batch import Batch
from projections.projection import AsyncConnection, Connection, Projection

DDL = """
CREATE TABLE redemptions_per_day (
    programme text NOT NULL,
    -- In the programme's zone.
    served_on date NOT NULL,
    claims bigint NOT NULL,
    tickets bigint NOT NULL,

    PRIMARY KEY (programme, served_on)
) WITH (fillfactor = 50)
"""

ADD = """
INSERT INTO redemptions_per_day AS kept (programme, served_on, claims, tickets)
SELECT * FROM unnest(%b::text[], %b::date[], %b::bigint[], %b::bigint[])
ON CONFLICT (programme, served_on) DO UPDATE
    SET claims = kept.claims + excluded.claims, tickets = kept.tickets + excluded.tickets
"""

Day = tuple[str, date]


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Claims and tickets by programme and day."""

    claims: Counter[Day]
    tickets: Counter[Day]


def count(batch: Batch) -> DayCounts:
    """Count a batch's claims and their tickets."""
    counts = DayCounts(Counter(), Counter())
    for alike in batch.alike:
        if isinstance(alike.fact, TicketsRedeemed):
            day = (alike.fact.programme, alike.fact.served_on)
            counts.claims[day] += alike.facts
            counts.tickets[day] += alike.tickets
    return counts


def write(connection: Connection, counts: DayCounts) -> None:
    """Add a batch's counts."""
    if days := counts.claims.keys():
        programmes, dates = Texts(programme for programme, _ in days), [day for _, day in days]
        claims, tickets = (
            Numbers(count[d] for d in days) for count in (counts.claims, counts.tickets)
        )
        connection.execute(ADD, [programmes, dates, claims, tickets])


REDEMPTIONS = Projection(
    name="redemptions",
    version=1,
    tables=("redemptions_per_day",),
    ddl=DDL,
    wants=frozenset({TicketsRedeemed}),
    summarise=count,
    write=write,
)


@dataclass(frozen=True, slots=True)
class DayOfRedemptions:
    """What was served on a day of the programme's zone; later voids are not taken off."""

    programme: str
    served_on: date
    claims: int
    tickets: int


async def redemptions_per_day(
    connection: AsyncConnection, programme: str | None = None
) -> list[DayOfRedemptions]:
    """By programme and day, of all programmes or of one."""
    cursor = connection.cursor(row_factory=class_row(DayOfRedemptions))
    await cursor.execute(
        "SELECT programme, served_on, claims, tickets FROM redemptions_per_day"
        " WHERE %(programme)s::text IS NULL OR programme = %(programme)s"
        " ORDER BY programme, served_on",
        {"programme": programme},
    )
    return await cursor.fetchall()
