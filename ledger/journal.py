"""The books: what each fact that moves money debits and credits, to the cent.

Debits are above zero, credits below. Accounts are named `<code>[:<detail>…]` after the French chart
of accounts, with the programme, millésime, funder or venue as detail.
"""

from dataclasses import dataclass
from typing import Final

from ledger.facts import (
    AnyFact,
    CentsByFunder,
    FundingOrdered,
    FundingReceived,
    RedemptionVoided,
    TicketsActivated,
    TicketsRedeemed,
    VenueReimbursed,
)

BANK: Final = "512"  # segregated: face value only
FUNDER_RECEIVABLE: Final = "411"  # by funder
FUNDER_ADVANCES: Final = "4191"  # by funder
CIRCULATION: Final = "467"  # tickets in circulation, by programme and millésime
VENUE_PAYABLE: Final = "401"  # by venue
IN_TRANSIT: Final = "580"  # payments in transit


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry."""

    account: str
    amount_cents: int  # debit positive, credit negative


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry that exists balances: one that would not fails as it is made.

    Raises:
        ValueError: the postings don't sum to zero, or one of them is zero.
    """

    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        if any(posting.amount_cents == 0 for posting in self.postings):
            raise ValueError(f"a posting moves nothing: {self.postings}")
        if sum(posting.amount_cents for posting in self.postings) != 0:
            raise ValueError(f"debits and credits differ: {self.postings}")


def entry_for(fact: AnyFact) -> JournalEntry | None:
    """The entry of a fact, or None where no money moves (a commitment is a promise)."""
    match fact:
        case TicketsRedeemed():
            return _move(_circulation(fact), _venue(fact.venue), fact.amount_cents)
        case RedemptionVoided():
            return _move(_venue(fact.venue), _circulation(fact), fact.amount_cents)
        case VenueReimbursed():
            return _move(_venue(fact.venue), IN_TRANSIT, fact.amount_cents)
        case TicketsActivated():
            drawn = [
                Posting(f"{FUNDER_ADVANCES}:{funder}", cents)
                for funder, cents in sorted(fact.cents.items())
                if cents
            ]
            return JournalEntry((*drawn, Posting(_circulation(fact), -fact.amount_cents)))
        case FundingOrdered():
            return _by_funder(fact.cents, debit=FUNDER_RECEIVABLE, credit=FUNDER_ADVANCES)
        case FundingReceived():
            return _by_funder(fact.cents, debit=None, credit=FUNDER_RECEIVABLE)
        case _:
            return None


def _move(debit: str, credit: str, cents: int) -> JournalEntry:
    return JournalEntry((Posting(debit, cents), Posting(credit, -cents)))


def _by_funder(cents: CentsByFunder, *, debit: str | None, credit: str) -> JournalEntry:
    """Each funder's part, from an account of theirs (or the bank) to another of theirs."""
    return JournalEntry(
        tuple(
            posting
            for funder, part in sorted(cents.items())
            for posting in (
                Posting(f"{debit}:{funder}" if debit else BANK, part),
                Posting(f"{credit}:{funder}", -part),
            )
        )
    )


def _circulation(fact: TicketsActivated | TicketsRedeemed | RedemptionVoided) -> str:
    return f"{CIRCULATION}:{fact.programme}:{fact.millesime}"


def _venue(venue: str) -> str:
    return f"{VENUE_PAYABLE}:{venue}"
