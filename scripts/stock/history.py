"""A carnet's history in words, and each ticket as it is. Nothing of a code's secret."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from ledger.decisions.carnets import Carnet
from ledger.decisions.reference import Reference
from ledger.facts import (
    CarnetActivated,
    CarnetAssigned,
    CarnetIssued,
    CarnetTransferred,
    Event,
    RedemptionVoided,
    TicketsRedeemed,
)
from ledger.facts.codec import TOPICS
from ledger.values.ids import VenueId
from scripts.common.showing import euros


class Line(msgspec.Struct, frozen=True):
    """One event of a carnet."""

    position: int
    recorded_at: datetime
    actor: str
    type: str
    told: str


class Ticket(msgspec.Struct, frozen=True):
    """One ticket as it is now."""

    number: int
    state: str
    redeemed_at: datetime | None = None
    venue: VenueId | None = None
    venue_name: str | None = None
    claim: str | None = None


def history_of(events: Iterable[tuple[int, Event]], reference: Reference) -> list[Line]:
    """A carnet's events, in order."""
    return [
        Line(
            position=position,
            recorded_at=event.recorded_at,
            actor=event.actor,
            type=TOPICS[type(event.fact)],
            told=_told(event, reference),
        )
        for position, event in events
    ]


def tickets_of(carnet: Carnet, reference: Reference) -> list[Ticket]:
    """Every ticket of a carnet, by number."""
    taken = {
        number: Ticket(
            number=number,
            state="redeemed",
            redeemed_at=redemption.fact.served_at,
            venue=redemption.fact.venue,
            venue_name=_name(redemption.fact.venue, reference),
            claim=claim,
        )
        for claim, redemption in carnet.redemptions.items()
        if not redemption.voided
        for number in redemption.fact.tickets
    }
    return [
        taken.get(number) or Ticket(number=number, state=_state(carnet, number))
        for number in range(1, carnet.size + 1)
    ]


def _state(carnet: Carnet, number: int) -> str:
    if number in carnet.assigned:
        return "handed out"
    return "in stock" if carnet.activated else "not activated"


def _told(event: Event, reference: Reference) -> str:
    match event.fact:
        case CarnetIssued(order=order, digests=digests, face_value_cents=cents, holder=holder):
            return (
                f"issued in order {order}: {len(digests)} tickets of {euros(cents)}, for {holder}"
            )
        case CarnetActivated():
            return "activated: its tickets may circulate"
        case CarnetTransferred(sender=sender, receiver=receiver):
            return f"moved from {sender} to {receiver}"
        case CarnetAssigned(tickets=tickets, holder=holder, rule_version=version):
            return (
                f"{_numbers(tickets)} handed out by {holder}, under version {version} of the rules"
            )
        case TicketsRedeemed(tickets=tickets, venue=venue):
            where = f"{_name(venue, reference)} ({venue})"
            return f"{_numbers(tickets)} redeemed at {where}, claim {event.command_id}"
        case RedemptionVoided(tickets=tickets, venue=venue, claim_id=claim):
            return (
                f"{_numbers(tickets)} given back by {_name(venue, reference)}: claim {claim} voided"
            )
        case fact:
            raise TypeError(f"{type(fact).__name__} in a carnet's stream")


def _numbers(tickets: tuple[int, ...]) -> str:
    return f"ticket{'s' if len(tickets) > 1 else ''} {', '.join(map(str, tickets))}"


def _name(venue: VenueId, reference: Reference) -> str:
    return reference.venues[venue].registered.name
