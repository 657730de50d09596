"""Funding of a millésime, and the activation that it has to cover."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal
from unicodedata import category, normalize

from ledger.decisions.carnets import Carnet
from ledger.decisions.programmes import FIRST_YEAR, LAST_YEAR
from ledger.decisions.situation import Accepted, Command, Decision, Situation, require
from ledger.facts import (
    AnyFact,
    CarnetActivated,
    Event,
    FundingCommitted,
    FundingFact,
    FundingOrdered,
    FundingReceived,
    Rules,
    TicketsActivated,
)
from ledger.values.ids import CarnetId, ProgrammeId, StreamId, carnet_stream, funding_stream
from ledger.values.money import LARGEST_AMOUNT, Cents, allocate
from ledger.values.reasons import Reason, Refusal

Stage = Literal["commitment", "order", "cash"]
_STAGE_FACTS: Final[
    dict[Stage, type[FundingCommitted] | type[FundingOrdered] | type[FundingReceived]]
] = {"commitment": FundingCommitted, "order": FundingOrdered, "cash": FundingReceived}
_LETTERS: Final = str.maketrans({"œ": "oe", "æ": "ae"})  # as exports without them write
_DEGREES: Final = str.maketrans(dict.fromkeys("ºᵒ⁰", "°"))  # as which they are typed, and meant
LARGEST_CHUNK: Final = 400  # carnets a command: with its header, well under a batch of 1 000 facts


PARCEL: Final = f"carnets: 1 to {LARGEST_CHUNK}, none twice"


def is_parcel(carnets: tuple[CarnetId, ...]) -> bool:
    """Whether these carnets fit one command."""
    return 0 < len(carnets) == len(set(carnets)) <= LARGEST_CHUNK


@dataclass(frozen=True, slots=True)
class Spelling:
    """A reference as somebody wrote it, and what of it tells it from another one."""

    written: str
    signs: str  # its letters and digits, without capitals and accents
    cuts: frozenset[int]  # the signs that punctuation parts from the one before, both digits

    def is_like(self, other: "Spelling") -> bool:
        """Whether both may stand for one entry.

        One has punctuation where the other has a space or nothing: a statement is printed and
        exported, read and typed. But 2022/1/12 and 2022/11/2 each have it where the other has none.
        """
        return self.signs == other.signs and (self.cuts <= other.cuts or other.cuts <= self.cuts)


@dataclass(slots=True)
class Funding:
    """Running totals of a millésime, in cents, and the entries that they come from."""

    covered: Counter[Stage] = field(default_factory=Counter)
    entries: dict[tuple[Stage, str], list[Spelling]] = field(default_factory=dict)  # by signs
    activated: int = 0
    allocated: Counter[str] = field(default_factory=Counter)  # of the activated, by funder


def evolve(funding: Funding | None, event: Event, fact: FundingFact, position: int) -> Funding:
    """Fold one event in."""
    funding = funding or Funding()
    match fact:
        case TicketsActivated():
            funding.activated += fact.amount_cents
            funding.allocated.update(fact.cents)
        case FundingCommitted():
            _count(funding, "commitment", fact)
        case FundingOrdered():
            _count(funding, "order", fact)
        case FundingReceived():
            _count(funding, "cash", fact)
    return funding


def _count(
    funding: Funding, stage: Stage, fact: FundingCommitted | FundingOrdered | FundingReceived
) -> None:
    funding.covered[stage] += sum(fact.cents.values())
    spelling = spelling_of(fact.reference)
    funding.entries.setdefault((stage, spelling.signs), []).append(spelling)


def spelling_of(reference: str) -> Spelling:
    """What counts of a reference. Spaces and what can't be seen do not, wherever they stand."""
    text = normalize("NFKD", reference.translate(_DEGREES)).casefold().translate(_LETTERS)
    signs = ""
    cuts = set()
    is_parted = False
    for each in text:
        if each == "o" and (signs.endswith("n") or signs[-1:].isdigit()):
            continue  # n° is also written no, and 1° 1o
        if each.isalnum() and category(each) != "Lm":  # such as an apostrophe that is a letter
            if is_parted and signs[-1:].isdigit() and each.isdigit():
                cuts.add(len(signs))
            signs += each
            is_parted = False
        elif category(each)[0] in "PS":  # punctuation and symbols
            is_parted = True
    return Spelling(reference, signs, frozenset(cuts))


class RecordFunding(Command, frozen=True, kw_only=True):
    """A funder committed, ordered or paid face value. Fees are booked elsewhere.

    The reference is the commitment's, the mandate's or the bank entry's own. It counts once, or
    two people who book the same entry would bring twice its amount into circulation. They type it
    from a statement, so letters and digits are compared, and of the rest only where both parts
    digits (see `Spelling`). When in doubt it is refused: another entry can be given a word more,
    and what was counted twice can't be taken back.

    A commitment may come before any rules, and money after the programme has closed. But once
    there are rules, no carnet can be had of a millésime that none of them ever offered.
    """

    programme: ProgrammeId
    millesime: int
    stage: Stage
    reference: str
    cents: dict[str, Cents]

    def __post_init__(self) -> None:
        require(
            holds=bool(self.cents) and min(self.cents.values()) > 0,
            otherwise="cents: a positive amount for each funder, and at least one funder",
        )
        require(
            holds=sum(self.cents.values()) <= LARGEST_AMOUNT,
            otherwise=f"cents: at most {LARGEST_AMOUNT} of all funders together",
        )
        require(
            holds=FIRST_YEAR <= self.millesime <= LAST_YEAR,
            otherwise=f"millesime: {FIRST_YEAR} to {LAST_YEAR}",
        )
        require(
            holds=bool(spelling_of(self.reference).signs),
            otherwise="reference: at least one letter or digit",
        )

    @property
    def stream(self) -> StreamId:
        return funding_stream(self.programme, self.millesime)

    def decide(self, at: Situation) -> Decision:
        entry = at.reference.programmes.get(self.programme)
        if entry is None:
            return Refusal(Reason.PROGRAMME_UNKNOWN)
        funding: Funding = at.streams.get(self.stream) or Funding()
        spelling = spelling_of(self.reference)
        for recorded in funding.entries.get((self.stage, spelling.signs), ()):
            if spelling.is_like(recorded):
                return Refusal(Reason.FUNDING_RECORDED, detail={"reference": recorded.written})
        if not self.cents.keys() <= entry.opened.shares.keys():
            return Refusal(Reason.FUNDER_UNKNOWN)
        if entry.rules and not any(self.millesime in rules.millesimes for rules in entry.rules):
            told: dict[str, str | int] = {"millesime": self.millesime}
            return Refusal(Reason.MILLESIME_NOT_OFFERED, entry.rule_version, told)
        fact = _STAGE_FACTS[self.stage](
            programme=self.programme,
            millesime=self.millesime,
            reference=self.reference,
            cents=self.cents,
        )
        return Accepted(((self.stream, fact),))


class ActivateCarnets(Command, frozen=True, kw_only=True):
    """Put carnets into circulation: the tickets and the cents behind them, or neither."""

    may_wait = True

    programme: ProgrammeId
    millesime: int
    carnets: tuple[CarnetId, ...]  # at most LARGEST_CHUNK, none twice

    def __post_init__(self) -> None:
        require(holds=is_parcel(self.carnets), otherwise=PARCEL)

    @property
    def stream(self) -> StreamId:
        return funding_stream(self.programme, self.millesime)

    @property
    def streams(self) -> tuple[StreamId, ...]:
        return (self.stream, *map(carnet_stream, self.carnets))

    @property
    def weight(self) -> int:
        return len(self.carnets) + 1

    def decide(self, at: Situation) -> Decision:
        return decide_activation(self, at)


def decide_activation(command: ActivateCarnets, at: Situation) -> Decision:
    """Activate what is funded: 'no pass in circulation whose counter-value is not in the account'.

    The rules say which stage of funding suffices; the national rule was cash.
    """
    entry = at.reference.programmes.get(command.programme)
    if entry is None:
        return Refusal(Reason.PROGRAMME_UNKNOWN)
    carnets: list[Carnet | None] = [at.streams.get(stream) for stream in command.streams[1:]]
    for name, carnet in zip(command.carnets, carnets, strict=True):
        if carnet is None or (carnet.issued.programme, carnet.issued.millesime) != (
            command.programme,
            command.millesime,
        ):
            return Refusal(Reason.CARNET_UNKNOWN, detail={"carnet": name})
    if entry.closed:
        return Refusal(Reason.PROGRAMME_CLOSED)
    known = [carnet for carnet in carnets if carnet is not None]
    funding: Funding = at.streams.get(command.stream) or Funding()
    amount = sum(
        carnet.size * carnet.issued.face_value_cents for carnet in known if not carnet.activated
    )
    stage = entry.rules[-1].activation_requires
    covered = covered_cents(funding, entry.rules[-1])
    if funding.activated + amount > covered:
        missing = funding.activated + amount - covered
        return Refusal(
            Reason.FUNDING_INSUFFICIENT,
            entry.rule_version,
            {"requires": stage, "missing_cents": missing},
        )
    for carnet in known:
        if carnet.activated:
            return Refusal(Reason.CARNET_ALREADY_ACTIVATED, detail={"carnet": carnet.id})

    # From here on the activation succeeds.
    units: list[tuple[StreamId, AnyFact]] = [
        (
            carnet_stream(carnet.id),
            CarnetActivated(
                carnet=carnet.id,
                programme=command.programme,
                millesime=command.millesime,
                tickets=carnet.size,
            ),
        )
        for carnet in known
    ]
    money = TicketsActivated(
        programme=command.programme,
        millesime=command.millesime,
        first_carnet=command.carnets[0],
        carnets=len(known),
        tickets=sum(carnet.size for carnet in known),
        amount_cents=Cents(amount),
        cents=_shares(funding, amount, entry.opened.shares),
    )
    return Accepted((*units, (command.stream, money)))


def covered_cents(funding: Funding, rules: Rules) -> int:
    """Face value that may circulate. A later stage of funding counts for the earlier ones too."""
    order: tuple[Stage, ...] = ("commitment", "order", "cash")
    stages = order[order.index(rules.activation_requires) :]
    return max(funding.covered[stage] for stage in stages)


def _shares(funding: Funding, amount: int, weights: dict[str, int]) -> dict[str, Cents]:
    """Each funder's part of this activation: the step between two cumulative splits."""
    after = allocate(funding.activated + amount, weights)
    return {funder: Cents(cents - funding.allocated[funder]) for funder, cents in after.items()}
