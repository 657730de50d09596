"""Facts of `programme:` and `holder:` streams."""

from datetime import datetime
from typing import Literal

import msgspec

from ledger.facts.base import CentsByFunder, Fact
from ledger.values.ids import HolderId, OrderId, ProgrammeId
from ledger.values.money import Cents

Funding = Literal["commitment", "order", "cash"]


class AcceptanceArea(msgspec.Struct, frozen=True):
    """Where tickets are taken (*périmètre*): everywhere, or by INSEE code, or by SIRET."""

    kind: Literal["national", "regions", "departments", "venues"]
    codes: tuple[str, ...] = ()


class Entitlement(msgspec.Struct, frozen=True):
    """Who may be given how many tickets, and on what evidence."""

    category: str
    tickets: int
    supplement_tickets: int = 0  # once, on a further request
    min_age: int | None = None
    max_age: int | None = None  # inclusive
    residence: str | None = None
    evidence: tuple[str, ...] = ()  # any one of these kinds suffices


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a programme's rules. Data, never constants: they change while tickets live."""

    sizes: tuple[int, ...]  # tickets a carnet may have
    face_value_cents: Cents
    millesimes: tuple[int, ...]  # years that carnets may be ordered for
    # Validity of millésime N, days of the programme's zone, both inclusive.
    first_day: str = "01-01"  # in N
    last_day: str = "01-31"  # in N + 1: thirteen months
    distribution_last_day: str | None = None  # in N; None: as long as the tickets are valid
    activation_requires: Funding = "cash"  # what must cover the face value of activated tickets
    acceptance: AcceptanceArea = AcceptanceArea("national")
    # While payments to a venue are frozen: it takes tickets, unpaid for now, or it is refused.
    suspended_venues: Literal["unpaid", "refused"] = "unpaid"
    max_tickets_per_claim: int = 2
    void_minutes: int = 30
    nominative: bool = False
    surcharge_allowed: bool = False
    entitlements: tuple[Entitlement, ...] = ()
    services: tuple[str, ...] = ()  # catalogue; empty: none is asked for


class ProgrammeOpened(Fact, frozen=True, tag="programme.opened.v1"):
    """A funder opened a programme. No rule is published yet, so nothing can be ordered."""

    programme: ProgrammeId
    name: str
    zone: str  # IANA name: its days, deadlines and closings
    cap_tickets: int | None  # orders can't exceed it; None: no cap
    shares: dict[str, int]  # funder → weight, for co-funding on cumulative totals
    parent: ProgrammeId | None = None  # an envelope that this one draws on


class RulesPublished(Fact, frozen=True, tag="programme.rules-published.v1"):
    """A version of the rules, from 1. Carnets and assignments keep the one they were made under."""

    programme: ProgrammeId
    rule_version: int
    rules: Rules


class CarnetsOrdered(Fact, frozen=True, tag="programme.carnets-ordered.v1"):
    """Carnets were ordered from the printer: numbers, validity and face value are fixed here."""

    programme: ProgrammeId
    order: OrderId
    millesime: int
    carnets: int
    size: int  # tickets a carnet
    first_number: int
    face_value_cents: Cents
    valid_from: datetime
    valid_until: datetime  # half-open
    rule_version: int
    holder: HolderId  # who receives the stock


class CarnetsIssued(Fact, frozen=True, tag="programme.carnets-issued.v1"):
    """A chunk of an order exists: `carnets` of them from `first_number` on."""

    programme: ProgrammeId
    order: OrderId
    first_number: int
    carnets: int


class EnvelopeDrawn(Fact, frozen=True, tag="programme.envelope-drawn.v1"):
    """A programme inside this one ordered tickets, which count against this one's cap."""

    programme: ProgrammeId  # the parent: this stream
    drawn_by: ProgrammeId
    order: OrderId
    tickets: int


class ProgrammeClosed(Fact, frozen=True, tag="programme.closed.v1"):
    """Nothing is ordered, assigned or redeemed in it any more."""

    programme: ProgrammeId


class HolderRegistered(Fact, frozen=True, tag="holder.registered.v1"):
    """An organisation that may hold stock: a funder, a town hall, a distribution point."""

    holder: HolderId
    name: str
    siret: str | None = None


class FundingCommitted(Fact, frozen=True, tag="funding.committed.v1"):
    """Funders promised face value for a millésime (*engagement*)."""

    programme: ProgrammeId
    millesime: int
    reference: str  # number of the commitment
    cents: CentsByFunder


class FundingOrdered(Fact, frozen=True, tag="funding.ordered.v1"):
    """A funder's accountant ordered the payment (*mandat*)."""

    programme: ProgrammeId
    millesime: int
    reference: str  # number of the payment order
    cents: CentsByFunder


class FundingReceived(Fact, frozen=True, tag="funding.received.v1"):
    """Face value arrived on the segregated bank account."""

    programme: ProgrammeId
    millesime: int
    reference: str  # of the bank's entry
    cents: CentsByFunder


class TicketsActivated(Fact, frozen=True, tag="funding.tickets-activated.v1"):
    """Carnets entered circulation, and their face value with them."""

    programme: ProgrammeId
    millesime: int
    first_carnet: str
    carnets: int
    tickets: int
    amount_cents: Cents
    cents: CentsByFunder  # each funder's part, from cumulative totals


ProgrammeFact = (
    ProgrammeOpened
    | RulesPublished
    | CarnetsOrdered
    | CarnetsIssued
    | EnvelopeDrawn
    | ProgrammeClosed
)
HolderFact = HolderRegistered
FundingFact = FundingCommitted | FundingOrdered | FundingReceived | TicketsActivated
