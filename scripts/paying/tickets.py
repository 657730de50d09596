"""How many tickets stand behind each line of a run: those that no earlier run has paid."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from ledger.facts import CutoffFixed, RedemptionVoided, TicketsRedeemed, VenueReimbursed
from ledger.facts.codec import TOPICS, decode
from ledger.log.rows import READ, READ_REFERENCE
from ledger.values.ids import RunId, VenueId, end_to_end_id, transfer_stream
from projections.projection import AsyncConnection

_TAKEN: Final = """
SELECT notification_id, state FROM events
WHERE notification_id > %b AND notification_id <= %b AND topic = ANY(%b::text[])
"""


async def tickets_behind(
    views: AsyncConnection, cutoff: int, venues: Sequence[VenueId]
) -> Counter[VenueId]:
    """By venue, the tickets up to the run's cutoff since the last run that paid the venue.

    A line is a balance, and a run pays the whole of it or nothing. So these are the tickets that
    the line pays, less what was voided.
    """
    since = await _paid_up_to(views, cutoff, venues)
    found: Counter[VenueId] = Counter()
    first = min((since[venue] for venue in venues), default=cutoff)
    topics = [TOPICS[TicketsRedeemed], TOPICS[RedemptionVoided]]
    cursor = await views.execute(_TAKEN, [first, cutoff, topics], binary=True)
    async for position, state in cursor:
        match decode(state).fact:
            case TicketsRedeemed(venue=venue, tickets=taken) if position > since[venue]:
                found[venue] += len(taken)
            case RedemptionVoided(venue=venue, tickets=given) if position > since[venue]:
                found[venue] -= len(given)
            case _:
                pass
    return found


async def _paid_up_to(
    views: AsyncConnection, cutoff: int, venues: Sequence[VenueId]
) -> Counter[VenueId]:
    """By venue, the cutoff of the last run before this one that paid it; 0 where none did."""
    earlier = await _cutoffs_before(views, cutoff)
    streams = [transfer_stream(end_to_end_id(run, venue)) for run in earlier for venue in venues]
    cursor = await views.execute(READ, {"streams": streams}, binary=True)
    paid: Counter[VenueId] = Counter()
    async for _, state in cursor:
        fact = decode(state).fact
        if isinstance(fact, VenueReimbursed):
            paid[fact.venue] = max(paid[fact.venue], earlier[fact.run])
    return paid


async def _cutoffs_before(views: AsyncConnection, cutoff: int) -> dict[RunId, int]:
    cursor = await views.execute(READ_REFERENCE, {"after": 0}, binary=True)
    found = [(position, decode(state).fact) async for position, state in cursor]
    return {
        fact.run: position
        for position, fact in found
        if isinstance(fact, CutoffFixed) and position < cutoff
    }
