"""Programmes and holders: open, publish rules, order, close."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import ClassVar, Final

from ledger.decisions.situation import Accepted, Command, Decision, Situation, require
from ledger.facts import (
    CarnetsIssued,
    CarnetsOrdered,
    EnvelopeDrawn,
    Event,
    HolderRegistered,
    OriginStarted,
    ProgrammeClosed,
    ProgrammeFact,
    ProgrammeOpened,
    Rules,
    RulesPublished,
)
from ledger.values.clock import end_of_day, start_of_day
from ledger.values.codes import LARGEST_NUMBER
from ledger.values.ids import (
    LOG_STREAM,
    HolderId,
    OrderId,
    ProgrammeId,
    StreamId,
    holder_stream,
    programme_stream,
)
from ledger.values.money import LARGEST_FACE_VALUE
from ledger.values.reasons import Reason, Refusal

LARGEST_SIZE: Final = 99  # tickets: a code has two digits for them
LARGEST_CLAIM: Final = 10  # tickets: what a device shows at once, though carnets may be larger
LARGEST_CAP: Final = 10**9  # tickets: more than carnets can be numbered
LARGEST_WEIGHT: Final = 10**12  # of a share, which may be what a funder pays in cents
LONGEST_VOID: Final = 100_000  # minutes: over two months
FIRST_YEAR, LAST_YEAR = 2000, 2199  # of millésimes; any of them has its span of instants
_COMMON_YEAR: Final = 2023  # without a 29 February


@dataclass(frozen=True, slots=True)
class Order:
    """An order and how many of its carnets exist."""

    ordered: CarnetsOrdered
    issued: int = 0


@dataclass(slots=True)
class Programme:
    """What a programme has ordered and what others drew from it."""

    ordered_tickets: int = 0
    drawn_tickets: int = 0
    next_number: int = 1
    orders: dict[OrderId, Order] = field(default_factory=dict)


def evolve(
    programme: Programme | None, event: Event, fact: ProgrammeFact, position: int
) -> Programme:
    """Fold one event in."""
    programme = programme or Programme()
    match fact:
        case CarnetsIssued():
            order = programme.orders[fact.order]
            programme.orders[fact.order] = replace(order, issued=order.issued + fact.carnets)
        case CarnetsOrdered():
            programme.ordered_tickets += fact.carnets * fact.size
            programme.next_number = fact.first_number + fact.carnets
            programme.orders[fact.order] = Order(fact)
        case EnvelopeDrawn():
            programme.drawn_tickets += fact.tickets
        case ProgrammeOpened() | RulesPublished() | ProgrammeClosed():
            pass  # reference data holds these
    return programme


class StartLedger(Command, frozen=True, kw_only=True):
    """Write position 1. A ledger is a demo from here on, or never, and its peppers are these."""

    demo: bool
    clock_offset_seconds: int = 0

    @property
    def stream(self) -> StreamId:
        return LOG_STREAM

    def decide(self, at: Situation) -> Decision:
        if at.reference.origin is not None:
            return Refusal(Reason.LEDGER_HAS_STARTED)
        started = OriginStarted(
            demo=self.demo,
            clock_offset_seconds=self.clock_offset_seconds if self.demo else 0,
            peppers={name: pepper.fingerprint for name, pepper in at.peppers.items()},
        )
        return Accepted(((LOG_STREAM, started),))


class OpenProgramme(Command, frozen=True, kw_only=True):
    """Open a programme: its name, its calendar, its cap, who pays for it."""

    programme: ProgrammeId
    name: str
    zone: str
    cap_tickets: int | None
    shares: dict[str, int]
    parent: ProgrammeId | None = None

    def __post_init__(self) -> None:
        require(
            holds=bool(self.shares) and min(self.shares.values()) > 0,
            otherwise="shares: a positive weight for each funder, and at least one funder",
        )
        require(
            holds=max(self.shares.values()) <= LARGEST_WEIGHT,
            otherwise=f"shares: at most {LARGEST_WEIGHT}",
        )
        require(
            holds=self.cap_tickets is None or 0 < self.cap_tickets <= LARGEST_CAP,
            otherwise=f"cap_tickets: 1 to {LARGEST_CAP}, or none",
        )

    @property
    def stream(self) -> StreamId:
        return programme_stream(self.programme)

    def decide(self, at: Situation) -> Decision:
        if self.programme in at.reference.programmes:
            return Refusal(Reason.PROGRAMME_EXISTS)
        if self.parent is not None and not _may_be_parent(self.parent, at):
            return Refusal(Reason.PARENT_UNKNOWN)
        opened = ProgrammeOpened(
            programme=self.programme,
            name=self.name,
            zone=self.zone,
            cap_tickets=self.cap_tickets,
            shares=self.shares,
            parent=self.parent,
        )
        return Accepted(((self.stream, opened),))


class PublishRules(Command, frozen=True, kw_only=True):
    """Publish the next version of a programme's rules. Earlier carnets keep theirs.

    The fact says all that the command says, so a retry is known by it: a key that is added to
    `Rules` has its default there, too, while it would change the digest of every command.
    """

    keeps_digest: ClassVar[bool] = False

    programme: ProgrammeId
    rule_version: int
    rules: Rules

    def __post_init__(self) -> None:
        rules = self.rules
        require(
            holds=bool(rules.sizes) and 0 < min(rules.sizes) <= max(rules.sizes) <= LARGEST_SIZE,
            otherwise=f"rules.sizes: 1 to {LARGEST_SIZE} tickets",
        )
        require(
            holds=0 < rules.face_value_cents <= LARGEST_FACE_VALUE,
            otherwise=f"rules.face_value_cents: 1 to {LARGEST_FACE_VALUE}",
        )
        require(
            holds=0 < rules.max_tickets_per_claim <= LARGEST_CLAIM,
            otherwise=f"rules.max_tickets_per_claim: 1 to {LARGEST_CLAIM}",
        )
        require(
            holds=0 <= rules.void_minutes <= LONGEST_VOID,
            otherwise=f"rules.void_minutes: 0 to {LONGEST_VOID}",
        )
        require(
            holds=all(FIRST_YEAR <= year <= LAST_YEAR for year in rules.millesimes),
            otherwise=f"rules.millesimes: {FIRST_YEAR} to {LAST_YEAR}",
        )
        days = (rules.first_day, rules.last_day, rules.distribution_last_day)
        require(
            holds=all(day is None or _is_day_of_any_year(day) for day in days),
            otherwise="rules: days are MM-DD and exist in every year",
        )

    @property
    def stream(self) -> StreamId:
        return programme_stream(self.programme)

    def decide(self, at: Situation) -> Decision:
        entry = at.reference.programmes.get(self.programme)
        if entry is None:
            return Refusal(Reason.PROGRAMME_UNKNOWN)
        if self.rule_version != entry.rule_version + 1:
            return Refusal(Reason.RULES_OUT_OF_ORDER, detail={"published": entry.rule_version})
        if entry.closed:
            return Refusal(Reason.PROGRAMME_CLOSED)
        return Accepted(((self.stream, self._fact()),))

    def repeats(self, event: Event) -> bool:
        return event.fact == self._fact()

    def _fact(self) -> RulesPublished:
        return RulesPublished(
            programme=self.programme, rule_version=self.rule_version, rules=self.rules
        )


class CloseProgramme(Command, frozen=True, kw_only=True):
    """Nothing is ordered, assigned or redeemed in it any more."""

    programme: ProgrammeId

    @property
    def stream(self) -> StreamId:
        return programme_stream(self.programme)

    def decide(self, at: Situation) -> Decision:
        entry = at.reference.programmes.get(self.programme)
        if entry is None:
            return Refusal(Reason.PROGRAMME_UNKNOWN)
        if entry.closed:
            return Refusal(Reason.PROGRAMME_CLOSED)
        return Accepted(((self.stream, ProgrammeClosed(programme=self.programme)),))


class RegisterHolder(Command, frozen=True, kw_only=True):
    """Make an organisation known that may hold stock."""

    holder: HolderId
    name: str
    siret: str | None = None

    @property
    def stream(self) -> StreamId:
        return holder_stream(self.holder)

    def decide(self, at: Situation) -> Decision:
        if self.holder in at.reference.holders:
            return Refusal(Reason.HOLDER_EXISTS)
        registered = HolderRegistered(holder=self.holder, name=self.name, siret=self.siret)
        return Accepted(((self.stream, registered),))


class OrderCarnets(Command, frozen=True, kw_only=True):
    """Order carnets: their numbers, validity and face value are fixed from here on."""

    programme: ProgrammeId
    parent: ProgrammeId | None = None  # the programme's own; the caller looks it up
    order: OrderId
    millesime: int
    carnets: int
    size: int
    holder: HolderId

    def __post_init__(self) -> None:
        require(
            holds=0 < self.carnets <= LARGEST_NUMBER,
            otherwise=f"carnets: 1 to {LARGEST_NUMBER}",
        )

    @property
    def stream(self) -> StreamId:
        return programme_stream(self.programme)

    @property
    def streams(self) -> tuple[StreamId, ...]:
        return (self.stream, programme_stream(self.parent)) if self.parent else (self.stream,)

    @property
    def weight(self) -> int:
        return 2

    def decide(self, at: Situation) -> Decision:
        return decide_order(self, at)


def decide_order(order: OrderCarnets, at: Situation) -> Decision:
    """Order within the programme's cap, and its parent's.

    Sources: R02 (sizes), R16 (no rules, no orders), R20 (caps count orders), R30 to R33 (validity).
    """
    entry = at.reference.programmes.get(order.programme)
    if entry is None:
        return Refusal(Reason.PROGRAMME_UNKNOWN)
    if order.parent != entry.opened.parent:
        return Refusal(Reason.PARENT_UNKNOWN)
    programme: Programme = at.streams[order.stream]
    if order.order in programme.orders:
        return Refusal(Reason.ORDER_EXISTS)
    if order.holder not in at.reference.holders:
        return Refusal(Reason.HOLDER_UNKNOWN)
    if not entry.rules:
        return Refusal(Reason.RULES_UNPUBLISHED)
    version, rules = entry.rule_version, entry.rules[-1]
    parent = entry.opened.parent
    if entry.closed or (parent is not None and at.reference.programmes[parent].closed):
        return Refusal(Reason.PROGRAMME_CLOSED, version)
    if order.size not in rules.sizes:
        return Refusal(Reason.SIZE_NOT_OFFERED, version, {"size": order.size})
    if order.millesime not in rules.millesimes:
        return Refusal(Reason.MILLESIME_NOT_OFFERED, version, {"millesime": order.millesime})
    tickets = order.carnets * order.size
    envelopes = [(entry, programme)]
    if parent is not None:
        envelopes.append((at.reference.programmes[parent], at.streams[programme_stream(parent)]))
    numbers = LARGEST_NUMBER - programme.next_number + 1
    if order.carnets > numbers:
        return Refusal(Reason.CAP_EXCEEDED, version, {"tickets": tickets, "carnets_left": numbers})
    for envelope, state in envelopes:
        cap = envelope.opened.cap_tickets
        used = state.ordered_tickets + state.drawn_tickets
        if cap is not None and used + tickets > cap:
            detail: dict[str, str | int] = {
                "tickets": tickets,
                "programme": envelope.opened.programme,
                "cap_tickets": cap,
                "left_tickets": cap - used,
            }
            return Refusal(Reason.CAP_EXCEEDED, version, detail)

    # From here on the order succeeds.
    valid_from, valid_until = validity(rules, order.millesime, entry.opened.zone)
    ordered = CarnetsOrdered(
        programme=order.programme,
        order=order.order,
        millesime=order.millesime,
        carnets=order.carnets,
        size=order.size,
        first_number=programme.next_number,
        face_value_cents=rules.face_value_cents,
        valid_from=valid_from,
        valid_until=valid_until,
        rule_version=version,
        holder=order.holder,
    )
    if parent is None:
        return Accepted(((order.stream, ordered),))
    drawn = EnvelopeDrawn(
        programme=parent, drawn_by=order.programme, order=order.order, tickets=tickets
    )
    return Accepted(((programme_stream(parent), drawn), (order.stream, ordered)))


def validity(rules: Rules, millesime: int, zone: str) -> tuple[datetime, datetime]:
    """A millésime's half-open span: thirteen months to midnight in the programme's zone (R31)."""
    first = date.fromisoformat(f"{millesime}-{rules.first_day}")
    last = date.fromisoformat(f"{millesime + 1}-{rules.last_day}")
    return start_of_day(first, zone), end_of_day(last, zone)


def _is_day_of_any_year(text: str) -> bool:
    try:
        return f"{date.fromisoformat(f'{_COMMON_YEAR}-{text}'):%m-%d}" == text
    except ValueError:
        return False


def _may_be_parent(programme: ProgrammeId, at: Situation) -> bool:
    """An envelope is one programme around others, not a tree."""
    entry = at.reference.programmes.get(programme)
    return entry is not None and entry.opened.parent is None
