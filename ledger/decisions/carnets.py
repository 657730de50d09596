"""A carnet as its stream tells it: the state that redemptions are decided on."""

from datetime import datetime

import msgspec

from ledger.facts import (
    CarnetActivated,
    CarnetAssigned,
    CarnetFact,
    CarnetIssued,
    CarnetTransferred,
    Event,
    RedemptionVoided,
    TicketsRedeemed,
)
from ledger.values.ids import CarnetId, HolderId


class Redemption(msgspec.Struct, gc=False):
    """A claim that took tickets, and whether it was taken back."""

    fact: TicketsRedeemed
    position: int
    voided: bool = False


class Carnet(msgspec.Struct, gc=False):
    """The tickets of one carnet. Ticket n has its digest at index n - 1."""

    issued: CarnetIssued
    holder: HolderId
    activated: bool = False
    assigned: dict[int, int] = {}  # ticket → rule version (msgspec makes a dict for each carnet)
    redeemed: dict[int, datetime] = {}  # ticket → when it was taken
    redemptions: dict[str, Redemption] = {}  # by claim id

    @property
    def id(self) -> CarnetId:
        return self.issued.carnet

    @property
    def size(self) -> int:
        return len(self.issued.digests)

    @property
    def voids(self) -> int:
        """How many of its redemptions were taken back."""
        return sum(redemption.voided for redemption in self.redemptions.values())


def evolve(carnet: Carnet | None, event: Event, fact: CarnetFact, position: int) -> Carnet:
    """Fold one event in. It has happened, so nothing is refused.

    The state belongs to the batch that reads it and is extended in place: a copy for each event
    would cost the hot path more than the decision itself.

    Raises:
        ValueError: the stream does not start with CarnetIssued.
    """
    if isinstance(fact, CarnetIssued):
        return Carnet(fact, fact.holder)
    if carnet is None:
        raise ValueError(f"{event.stream} does not start with its issue")
    match fact:
        case TicketsRedeemed():
            carnet.redemptions[event.command_id] = Redemption(fact, position)
            for ticket in fact.tickets:
                carnet.redeemed[ticket] = fact.served_at
        case CarnetActivated():
            carnet.activated = True
        case CarnetAssigned():
            carnet.assigned.update(dict.fromkeys(fact.tickets, fact.rule_version))
        case CarnetTransferred():
            carnet.holder = fact.receiver
        case RedemptionVoided():
            carnet.redemptions[fact.claim_id].voided = True
            for ticket in fact.tickets:
                del carnet.redeemed[ticket]
    return carnet
