"""The venues open: each has two devices, invited, enrolled and in session."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from ledger.service import Invitation, invite
from ledger.values.ids import VenueId
from ledger.values.reasons import Refusal
from scripts.common.ledger import Ledger
from scripts.common.refusals import RefusedError
from scripts.demonstration.cast import TERMINALS_A_VENUE, VENUES
from scripts.demonstration.preparing import Watch
from scripts.demonstration.till import Till


@dataclass(frozen=True, slots=True)
class Open:
    """A till and the venue that it stands in."""

    venue: VenueId
    till: Till


async def open_tills(ledger: Ledger, authority: str, watch: Watch) -> list[Open]:
    """Two devices a venue, each with a key of its own that it has proved."""
    tills = []
    with watch("enrol terminals", len(VENUES) * TERMINALS_A_VENUE) as advance:
        for venue in VENUES:
            for number in range(1, TERMINALS_A_VENUE + 1):
                code = await _invite(ledger, venue.id, f"Comptoir {number}")
                tills.append(Open(venue.id, await asyncio.to_thread(Till, authority, code)))
                advance(1)
    return tills


async def _invite(ledger: Ledger, venue: VenueId, label: str) -> str:
    made = await invite(ledger.writer, venue, label, str(uuid4()), ledger.actor.id)
    if isinstance(made, Invitation):
        return made.code
    if isinstance(made, Refusal):
        raise RefusedError(made)
    raise TypeError(f"unexpected outcome {type(made).__name__}")
