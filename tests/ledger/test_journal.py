from collections import Counter

import pytest
from hypothesis import given

from ledger.facts import Event
from ledger.journal import JournalEntry, Posting, entry_for
from ledger.values.money import Cents
from tests.builders.commands import record_funding
from tests.builders.examples import EXAMPLES
from tests.builders.facts import (
    funding_ordered,
    funding_received,
    redeemed,
    tickets_activated,
    venue_reimbursed,
    voided,
)
from tests.builders.history import STARTED, facts_of
from tests.builders.history import given as after
from tests.builders.world import VENUE
from tests.ledger.facts.strategies import EVENTS

MOVES_MONEY = {
    "funding.ordered.v1",
    "funding.received.v1",
    "funding.tickets-activated.v1",
    "tickets.redeemed.v1",
    "tickets.redemption-voided.v1",
    "transfer.venue-reimbursed.v1",
}
CIRCULATION = "467:BFC22:2022"
PAYABLE = f"401:{VENUE}"


def entry(fact: Event | object) -> dict[str, int]:
    """Debits and credits by account, as the books have them after this one fact."""
    found = entry_for(fact.fact if isinstance(fact, Event) else fact)  # type: ignore[arg-type]
    assert found is not None
    net: Counter[str] = Counter()
    for posting in found.postings:
        net[posting.account] += posting.amount_cents
    return dict(net)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        pytest.param(
            funding_ordered(),
            {
                "411:region": 12_000,
                "4191:region": -12_000,
                "411:state": 8_000,
                "4191:state": -8_000,
            },
            id="ordered: the funder owes, and has credit",
        ),
        pytest.param(
            funding_received(),
            {"512": 20_000, "411:region": -12_000, "411:state": -8_000},
            id="received: it has paid",
        ),
        pytest.param(
            tickets_activated(),
            {"4191:region": 3_000, "4191:state": 2_000, CIRCULATION: -5_000},
            id="activated: its credit circulates as tickets",
        ),
        pytest.param(
            redeemed(1, 2), {CIRCULATION: 2_000, PAYABLE: -2_000}, id="redeemed: we owe the venue"
        ),
        pytest.param(
            voided(1, 2), {PAYABLE: 2_000, CIRCULATION: -2_000}, id="voided: we don't any more"
        ),
        pytest.param(
            venue_reimbursed(), {PAYABLE: 1_000, "580": -1_000}, id="reimbursed: the money leaves"
        ),
    ],
)
def test_money_moves(fact: object, expected: dict[str, int]) -> None:
    assert entry(fact) == expected


@pytest.mark.parametrize("tag", sorted(EXAMPLES))
def test_only_these_facts_have_an_entry(tag: str) -> None:
    assert (entry_for(EXAMPLES[tag].fact) is not None) == (tag in MOVES_MONEY)


def test_a_funder_that_pays_nothing_of_an_activation_has_no_posting() -> None:
    activated = tickets_activated(cents={"region": Cents(5_000), "state": Cents(0)})

    assert entry(activated) == {"4191:region": 5_000, CIRCULATION: -5_000}


def test_a_void_undoes_its_redemption() -> None:
    taken, given_back = entry(redeemed(1, 2)), entry(voided(1, 2))

    assert {account: taken[account] + given_back[account] for account in taken} == {
        CIRCULATION: 0,
        PAYABLE: 0,
    }


@pytest.mark.parametrize("amounts", [(1,), (1, 1), (100, -99), (0, 0), (5, -5, 0)], ids=str)
def test_an_unbalanced_or_idle_entry_can_not_be_built(amounts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"differ|nothing"):
        JournalEntry(tuple(Posting("512", amount) for amount in amounts))


@given(EVENTS)
def test_an_entry_balances_or_can_not_be_built(event: Event) -> None:
    try:
        found = entry_for(event.fact)
    except ValueError:
        return
    assert found is None or sum(posting.amount_cents for posting in found.postings) == 0


@pytest.mark.parametrize("stage", ["order", "cash"])
def test_the_least_funding_has_an_entry(stage: str) -> None:
    """Of nothing there is no command: else a fact would stand in the log that no book can take."""
    recorded = record_funding(stage=stage, cents={"region": Cents(1)}).decide(after(*STARTED))

    for fact in facts_of(recorded):
        assert entry_for(fact) is not None
