"""What holds for every lawful history, however it is cut into batches."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.facts import AnyFact, CutoffFixed
from ledger.journal import entry_for
from ledger.postgres import Database
from ledger.values.ids import RunId, VenueId
from ledger.values.money import Cents
from projections.balances import (
    AccountBalance,
    TrialBalance,
    list_balances,
    net_movements,
    trial_balance,
)
from projections.batch import Batch
from projections.connecting import connect
from projections.payouts import VenuePayout, lines_of_run, list_payouts, summarise
from projections.projection import AsyncConnection
from projections.registry import READ_MODELS
from projections.schema import prepare_read_models
from projections.stepping import step
from tests.builders.facts import (
    funding_ordered,
    funding_received,
    redeemed,
    tickets_activated,
    venue_reimbursed,
    voided,
)
from tests.projections.appending import Appender
from tests.projections.reading import ask, check

PLACES = tuple(VenueId(name) for name in "abc")


@dataclass
class History:
    """Facts that may follow each other, and what each venue is owed after them."""

    prefix: str = "r"
    facts: list[AnyFact] = field(default_factory=list)
    owed: Counter[VenueId] = field(default_factory=Counter)
    taken: list[tuple[VenueId, int]] = field(default_factory=list)  # venue, tickets
    runs: dict[RunId, dict[VenueId, int]] = field(default_factory=dict)  # what was owed

    def redeem(self, venue: VenueId, tickets: int) -> None:
        fact = redeemed(*range(1, tickets + 1), venue=venue).fact
        self.taken.append((venue, tickets))
        self._add(fact, venue, 1_000 * tickets)

    def void(self, which: int) -> None:
        if self.taken:
            venue, tickets = self.taken.pop(which % len(self.taken))
            fact = voided(*range(1, tickets + 1), venue=venue).fact
            self._add(fact, venue, -1_000 * tickets)

    def fix_cutoff(self) -> None:
        run = RunId(f"{self.prefix}-{len(self.runs)}")
        self.facts.append(CutoffFixed(run=run))
        self.runs[run] = {venue: cents for venue, cents in self.owed.items() if cents}

    def pay(self) -> None:
        """Pay what the last run owes, even if it was voided since: that carries forward."""
        owed = self.runs[max(self.runs, key=list(self.runs).index)] if self.runs else {}
        for venue, cents in owed.items():
            if cents > 0:
                fact = venue_reimbursed(venue=venue, amount_cents=Cents(cents))
                self._add(fact, venue, -cents)

    def fund(self) -> None:
        self.facts += [funding_ordered(), funding_received(), tickets_activated()]

    def _add(self, fact: AnyFact, venue: VenueId, cents: int) -> None:
        self.facts.append(fact)
        self.owed[venue] += cents


STEPS = st.one_of(
    st.tuples(st.just("redeem"), st.sampled_from(PLACES), st.integers(1, 3)),
    st.tuples(st.just("redeem"), st.sampled_from(PLACES), st.integers(1, 3)),
    st.tuples(st.just("void"), st.integers(0, 9)),
    st.tuples(st.just("fix_cutoff")),
    st.tuples(st.just("pay")),
    st.tuples(st.just("fund")),
)


def played(steps: Sequence[tuple[object, ...]], history: History) -> History:
    for name, *arguments in steps:
        getattr(history, str(name))(*arguments)
    return history


def batches(facts: Sequence[AnyFact], size: int) -> list[Batch]:
    whole = Batch(0, len(facts), list(enumerate(facts, start=1)))
    ends = [*range(0, len(facts), size), len(facts)]
    return [whole.between(*span) for span in pairwise(ends)]


@given(st.lists(STEPS), st.integers(1, 20))
def test_a_batch_sums_to_zero(steps: list[tuple[object, ...]], size: int) -> None:
    for batch in batches(played(steps, History()).facts, size):
        assert sum(movement.cents for movement in net_movements(batch).values()) == 0


@given(st.lists(STEPS), st.integers(1, 20))
def test_merged_redemptions_move_what_each_moves(
    steps: list[tuple[object, ...]], size: int
) -> None:
    facts = played(steps, History()).facts
    each: Counter[str] = Counter()
    postings = 0
    for fact in facts:
        entry = entry_for(fact)
        for posting in entry.postings if entry else ():
            each[posting.account] += posting.amount_cents
            postings += 1
    merged: Counter[str] = Counter()
    merged_postings = 0
    for batch in batches(facts, size):
        for account, movement in net_movements(batch).items():
            merged[account] += movement.cents
            merged_postings += movement.postings

    assert merged == each
    assert merged_postings == postings


@given(st.lists(STEPS), st.integers(1, 20))
def test_parts_end_at_cutoffs_and_lose_nothing(steps: list[tuple[object, ...]], size: int) -> None:
    facts = played(steps, History()).facts
    parts = [p for batch in batches(facts, size) for p in batch.cut_after({CutoffFixed})]

    assert [fact for part in parts for _, fact in part.recorded] == facts
    for part in parts:
        inside = [position for position, fact in part.recorded if isinstance(fact, CutoffFixed)]
        assert inside in ([], [part.until])
        assert (summarise(part).cutoff is None) == (inside == [])


@pytest.fixture(scope="module")
def one_ledger(module_database: Database) -> Database:
    prepare_read_models(module_database)
    return module_database


@pytest.fixture(scope="module")
def played_so_far(one_ledger: Database) -> Iterator[tuple[History, Appender]]:
    with closing(Appender(one_ledger)) as appender:
        yield History(), appender


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=1, max_size=40), page=st.integers(1, 15))
def test_the_books_and_the_payouts_agree(
    one_ledger: Database,
    played_so_far: tuple[History, Appender],
    steps: list[tuple[object, ...]],
    page: int,
) -> None:
    """The log only grows, so each example adds to the last."""
    history, appender = played_so_far
    before, runs = len(history.facts), set(history.runs)
    played(steps, history)
    if history.facts[before:]:
        appender.append(*history.facts[before:])
    with connect(one_ledger) as connection:
        models = {p.name: p for p in READ_MODELS if p.name in {"balances", "payouts"}}
        while step(connection, models, appender.size, page):
            pass

    new = history.runs.keys() - runs
    total, venues, payouts, lines = ask(one_ledger, partial(look, runs=new))
    assert total.balanced
    assert {p.venue: p.owed_cents for p in payouts} == history.owed
    assert {f"401:{p.venue}": -p.owed_cents for p in payouts} == {
        b.account: b.balance_cents for b in venues
    }
    assert lines == {run: history.runs[run] for run in new}


async def look(
    connection: AsyncConnection, runs: Iterable[RunId]
) -> tuple[TrialBalance, list[AccountBalance], list[VenuePayout], dict[RunId, dict[VenueId, int]]]:
    lines: dict[RunId, dict[VenueId, int]] = {}
    for run in runs:
        found = await lines_of_run(connection, run)
        assert found is not None
        to_pay = {line.venue: int(line.amount_cents) for line in found.lines}
        lines[run] = {**to_pay, **found.carried_forward}
    return (
        await trial_balance(connection),
        await list_balances(connection, "401:"),
        await list_payouts(connection),
        lines,
    )


def test_the_last_word(one_ledger: Database) -> None:
    """After all that, page by page, from zero in one go comes to the same."""
    models = [p for p in READ_MODELS if p.name in {"balances", "payouts"}]

    assert check(one_ledger, models) == []
