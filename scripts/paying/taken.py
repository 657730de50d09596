"""What a venue took from a day on and did not give back, and why its payments are frozen."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from api.streams import events_of
from ledger.facts import RedemptionVoided, TicketsRedeemed, VenueResumed, VenueSuspended
from ledger.facts.codec import TOPICS, decode
from ledger.values.ids import VenueId, venue_stream
from projections.projection import AsyncConnection
from scripts.common.showing import counted, euros, warn

# No index knows venues: the log is read through. It is asked for seldom, and the bytes that don't
# name the venue stay where they are.
_OF_THE_VENUE: Final = """
SELECT state FROM events WHERE topic = ANY(%b::text[]) AND position(%b::bytea IN state) > 0
ORDER BY notification_id
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Tickets, and what is or was owed for them."""

    tickets: int
    amount_cents: int


async def taken_since(views: AsyncConnection, venue: VenueId, day: date) -> Taken:
    """What the venue took for workshops on `day` or later, without what was voided."""
    topics = [TOPICS[TicketsRedeemed], TOPICS[RedemptionVoided]]
    cursor = await views.execute(_OF_THE_VENUE, [topics, venue.encode()], binary=True)
    claims: dict[str, TicketsRedeemed] = {}
    async for (state,) in cursor:
        event = decode(state)
        match event.fact:
            case TicketsRedeemed() as taken if taken.venue == venue and taken.served_on >= day:
                claims[event.command_id] = taken
            case RedemptionVoided() as voided:
                claims.pop(voided.claim_id, None)
            case _:
                pass
    found = claims.values()
    return Taken(sum(len(x.tickets) for x in found), sum(x.amount_cents for x in found))


def warn_of_what_stays(venue: VenueId, day: date, taken: Taken) -> None:
    """Tell who ends a venue's qualification on `day` what it took since, if it took anything."""
    if taken.tickets:
        warn(
            f"It has taken {counted(taken.tickets, 'ticket')}, {euros(taken.amount_cents)}, from "
            f"{day} on, and was qualified when it did: what is not paid of it stays payable. "
            f"`souche venue suspend {venue}` freezes the venue's payments."
        )


async def frozen_for(views: AsyncConnection, venue: VenueId) -> set[str]:
    """The causes for which payments to the venue are frozen now."""
    causes: set[str] = set()
    for _, event in await events_of(views, venue_stream(venue)):
        if isinstance(event.fact, VenueSuspended):
            causes.add(event.fact.cause)
        elif isinstance(event.fact, VenueResumed):
            causes.clear()
    return causes
