"""Facts of `carnet:` streams. A carnet's tickets share its stream, and so one version."""

from datetime import date, datetime

from ledger.facts.base import Fact
from ledger.values.ids import (
    BeneficiaryId,
    CarnetId,
    ClaimId,
    HolderId,
    OrderId,
    ProgrammeId,
    TerminalId,
    VenueId,
)
from ledger.values.money import Cents


class CarnetIssued(Fact, frozen=True, tag="carnet.issued.v1"):
    """A carnet exists. Its tickets are known by the digests of their codes, in order."""

    carnet: CarnetId
    programme: ProgrammeId
    millesime: int
    order: OrderId
    face_value_cents: Cents
    valid_from: datetime
    valid_until: datetime  # half-open: fixed here for good
    pepper_id: str
    digests: tuple[str, ...]  # see `codes.digest`; ticket 1 first
    holder: HolderId


class CarnetActivated(Fact, frozen=True, tag="carnet.activated.v1"):
    """The face value is covered, so the tickets may circulate."""

    carnet: CarnetId
    programme: ProgrammeId
    millesime: int
    tickets: int


class CarnetTransferred(Fact, frozen=True, tag="carnet.transferred.v1"):
    """The stock moved from one holder to another."""

    carnet: CarnetId
    sender: HolderId
    receiver: HolderId


class CarnetAssigned(Fact, frozen=True, tag="carnet.assigned.v1"):
    """Tickets were handed to a beneficiary, under a version of the rules that stays theirs."""

    carnet: CarnetId
    tickets: tuple[int, ...]  # a carnet may be split
    beneficiary: BeneficiaryId
    holder: HolderId  # who handed them over
    rule_version: int


class TicketsRedeemed(Fact, frozen=True, tag="tickets.redeemed.v1", omit_defaults=True):
    """Tickets of one carnet were spent on a venue's workshop; their value is due to it since.

    The claim's id is the event's `command_id`, the terminal its `actor`, the carnet its stream:
    this is the fact there are most of, so it says nothing twice.
    """

    programme: ProgrammeId
    millesime: int
    tickets: tuple[int, ...]  # numbers within the carnet, ascending
    amount_cents: Cents  # tickets × face value
    venue: VenueId
    sequence: int  # counted by the device; a fork is a cloned terminal
    signed_at: int  # Unix seconds, as the device signed it: evidence (E39), decides nothing
    served_at: datetime  # by our clock; by the device's only if it was offline and signed
    served_on: date  # that instant's day where the programme is
    service_code: str | None = None
    workshop_id: str | None = None


class RedemptionVoided(Fact, frozen=True, tag="tickets.redemption-voided.v1"):
    """The venue took a redemption back, soon after and before the cutoff."""

    programme: ProgrammeId
    millesime: int
    claim_id: ClaimId  # of the redemption
    tickets: tuple[int, ...]
    amount_cents: Cents
    venue: VenueId
    terminal: TerminalId
    signed_at: int  # Unix seconds, as the device signed it: evidence, decides nothing


CarnetFact = (
    CarnetIssued
    | CarnetActivated
    | CarnetTransferred
    | CarnetAssigned
    | TicketsRedeemed
    | RedemptionVoided
)
