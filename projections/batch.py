"""A stretch of the log, as read models are given it. Pure: no I/O."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from ledger.facts import AnyFact, Fact, TicketsRedeemed
from ledger.journal import Posting, entry_for
from ledger.values.money import Cents


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An event whose bytes this program can't read. It stops those who want its topic."""

    position: int
    topic: str
    why: str


@dataclass(frozen=True)
class Alike:
    """Facts that differ in nothing that read models look at, as one with their cents together."""

    fact: AnyFact
    facts: int = 1
    tickets: int = 0  # of all redemptions in it

    @cached_property
    def postings(self) -> Sequence[Posting]:
        """What they move in the books, together."""
        entry = entry_for(self.fact)
        return entry.postings if entry else ()


@dataclass(frozen=True)
class Batch:
    """The facts at positions (since, until] that somebody wants; the others are not loaded."""

    since: int
    until: int
    recorded: Sequence[tuple[int, AnyFact]]  # (position, fact), ascending
    unreadable: Sequence[Unreadable] = ()

    @cached_property
    def alike(self) -> Sequence[Alike]:
        """What happened, redemptions merged. Made once for all the read models of a page."""
        return condense(fact for _, fact in self.recorded)

    @cached_property
    def kinds(self) -> frozenset[type[Fact]]:
        """The classes that occur."""
        return frozenset(type(fact) for _, fact in self.recorded)

    def between(self, since: int, until: int) -> "Batch":
        """The part at positions (since, until]."""
        return Batch(
            since,
            until,
            [(position, fact) for position, fact in self.recorded if since < position <= until],
            [found for found in self.unreadable if since < found.position <= until],
        )

    def cut_after(self, kinds: Collection[type[Fact]]) -> Iterator["Batch"]:
        """The batch in parts, each of which ends with a fact of one of `kinds`, or at the end."""
        if self.kinds.isdisjoint(kinds):
            yield self
            return
        since = self.since
        for position, fact in self.recorded:
            if type(fact) in kinds:
                yield self.between(since, position)
                since = position
        if since < self.until:
            yield self.between(since, self.until)


def condense(facts: Iterator[AnyFact]) -> list[Alike]:
    """Merge redemptions of one programme, millésime, venue and day; keep the rest as it is.

    Nearly all of a log is redemptions, and what read models derive from one (its entry, its
    counts) is linear in its cents and tickets. So they look at hundreds of facts, not thousands.
    """
    others: list[Alike] = []
    merged: dict[tuple[object, ...], tuple[TicketsRedeemed, list[int]]] = {}
    for fact in facts:
        if not isinstance(fact, TicketsRedeemed):
            others.append(Alike(fact))
            continue
        key = (fact.venue, fact.programme, fact.millesime, fact.served_on)
        if (found := merged.get(key)) is None:
            merged[key] = (fact, [1, len(fact.tickets), fact.amount_cents])
            continue
        sums = found[1]
        sums[0] += 1
        sums[1] += len(fact.tickets)
        sums[2] += fact.amount_cents
    redeemed = (
        Alike(msgspec.structs.replace(fact, amount_cents=Cents(cents)), facts, tickets)
        for fact, (facts, tickets, cents) in merged.values()
    )
    return [*others, *redeemed]
