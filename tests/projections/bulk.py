"""A long history in little time: COPY instead of the append. For measuring, and for kills."""

from collections.abc import Iterable, Sequence
from datetime import date

import psycopg

from ledger.facts import Event, TicketsRedeemed
from ledger.facts.codec import TOPICS, encode
from ledger.postgres import Database
from ledger.values.ids import StreamId, VenueId, derived_id
from ledger.values.money import Cents
from tests.builders.world import MILLESIME, NOW, PROGRAMME, TERMINAL

VENUES = tuple(VenueId(f"{number:014d}") for number in range(300))
AMOUNT_CENTS = 2_000


def redemptions(first: int, count: int, venues: Sequence[VenueId] = VENUES) -> Iterable[Event]:
    """Redemptions of two tickets each; `first` is the position of the first of them."""
    for number in range(first, first + count):
        yield Event(
            stream=StreamId(f"carnet:{PROGRAMME}-{5_000_000 + number}"),  # not a builder's
            version=1,
            recorded_at=NOW,
            command_id=derived_id(number),
            actor=f"terminal:{TERMINAL}",
            fact=TicketsRedeemed(
                programme=PROGRAMME,
                millesime=MILLESIME,
                tickets=(1, 2),
                amount_cents=Cents(AMOUNT_CENTS),
                venue=venues[number % len(venues)],
                sequence=number,
                signed_at=int(NOW.timestamp()),
                served_at=NOW,
                served_on=date(2022, 6, 1),
            ),
        )


def copy_in(database: Database, events: Iterable[Event]) -> int:
    """Put events behind the log's last. Returns the log's size."""
    with psycopg.connect(database.writer) as connection:
        row = connection.execute("SELECT size FROM log_head FOR UPDATE").fetchone()
        assert row is not None
        size = int(row[0])
        with connection.cursor().copy(
            "COPY events (originator_id, originator_version, topic, state, notification_id)"
            " FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.set_types(["text", "int8", "text", "bytea", "int8"])
            for event in events:
                size += 1
                topic = TOPICS[type(event.fact)]
                copy.write_row((event.stream, event.version, topic, encode(event), size))
        connection.execute("UPDATE log_head SET size = %s", [size])
    return size
