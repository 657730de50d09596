"""What each read model says of a history."""

from contextlib import closing
from datetime import date

import pytest

from ledger.facts import AnyFact, Event
from ledger.postgres import Database
from ledger.values.ids import RunId
from projections.balances import AccountBalance, TrialBalance, list_balances, trial_balance
from projections.exposure import Exposure, exposure, list_orders
from projections.payouts import VenuePayout, lines_of_run, list_payouts, payout_of
from projections.redemptions import DayOfRedemptions, redemptions_per_day
from projections.schema import prepare_read_models
from tests.builders.facts import (
    cutoff_fixed,
    funding_committed,
    funding_ordered,
    redeemed,
    venue_reimbursed,
    voided,
)
from tests.builders.history import READY
from tests.builders.world import OTHER_VENUE, PROGRAMME, VENUE
from tests.projections.appending import Appender
from tests.projections.reading import ask, fold

HISTORY = (
    *READY,
    funding_committed(),
    funding_ordered(),
    redeemed(1, 2),
    redeemed(3, venue=OTHER_VENUE),
    voided(1),
    redeemed(4, served_on=date(2022, 6, 2)),
    venue_reimbursed(),
)


@pytest.fixture(scope="module")
def read_models(module_database: Database) -> Database:
    """A ledger whose read models have taken `HISTORY`."""
    prepare_read_models(module_database)
    with closing(Appender(module_database)) as appender:
        appender.append(*HISTORY)
    fold(module_database)
    return module_database


def test_balances(read_models: Database) -> None:
    balances = ask(read_models, list_balances)

    assert AccountBalance("512", 20_000, 2) in balances  # two funders' cash
    assert (
        AccountBalance(f"401:{VENUE}", -1_000, 4) in balances
    )  # 3 000 taken, 1 000 voided, 1 000 paid
    assert AccountBalance("467:BFC22:2022", -2_000, 5) in balances  # 5 activated, 3 left us
    assert AccountBalance("580", -1_000, 1) in balances
    assert sum(balance.balance_cents for balance in balances) == 0


def test_balances_of_one_kind(read_models: Database) -> None:
    venues = ask(read_models, lambda connection: list_balances(connection, "401:"))

    assert [b.account for b in venues] == [f"401:{VENUE}", f"401:{OTHER_VENUE}"]


def test_the_trial_balance(read_models: Database) -> None:
    total = ask(read_models, trial_balance)

    assert total.balanced
    assert total.debit_cents > 0
    assert total == TrialBalance(
        accounts=9,
        postings=sum(b.postings for b in ask(read_models, list_balances)),
        debit_cents=-total.credit_cents,
        credit_cents=total.credit_cents,
    )


def test_payouts(read_models: Database) -> None:
    assert ask(read_models, list_payouts) == [
        VenuePayout(VENUE, 3, 3_000, 1, 1_000, 1_000, 1_000),
        VenuePayout(OTHER_VENUE, 1, 1_000, 0, 0, 0, 1_000),
    ]


def test_a_venue_that_took_nothing(read_models: Database) -> None:
    payout = ask(read_models, lambda connection: payout_of(connection, "nobody"))

    assert payout.owed_cents == 0


def test_exposure(read_models: Database) -> None:
    (year,) = ask(read_models, exposure)

    assert year == Exposure(
        programme=PROGRAMME,
        millesime=2022,
        ordered_tickets=20,
        ordered_cents=20_000,
        issued_tickets=10,
        issued_cents=10_000,
        activated_tickets=5,
        activated_cents=5_000,
        assigned_tickets=5,
        assigned_cents=5_000,
        redeemed_tickets=4,
        redeemed_cents=4_000,
        voided_tickets=1,
        voided_cents=1_000,
        committed_cents=20_000,
        payment_ordered_cents=20_000,
        received_cents=20_000,
    )
    assert year.circulating_cents == 2_000


def test_exposure_of_another_programme(read_models: Database) -> None:
    assert ask(read_models, lambda connection: exposure(connection, "HDF22")) == []


def test_orders(read_models: Database) -> None:
    (order,) = ask(read_models, lambda connection: list_orders(connection, PROGRAMME))

    assert (order.carnets, order.issued_carnets, order.assigned_tickets) == (4, 2, 5)


def test_redemptions_a_day(read_models: Database) -> None:
    assert ask(read_models, redemptions_per_day) == [
        DayOfRedemptions(PROGRAMME, date(2022, 6, 1), claims=2, tickets=3),
        DayOfRedemptions(PROGRAMME, date(2022, 6, 2), claims=1, tickets=1),
    ]


SNAPSHOTS = [
    pytest.param((), {VENUE: 1_000}, {}, id="nothing else"),
    pytest.param((redeemed(3),), {VENUE: 2_000}, {}, id="up to the cutoff"),
    pytest.param((voided(1),), {}, {}, id="nothing owed, no line"),
    pytest.param((venue_reimbursed(amount_cents=1_500),), {}, {VENUE: -500}, id="carries forward"),
    pytest.param(
        (redeemed(5, venue=OTHER_VENUE), venue_reimbursed(amount_cents=3_000)),
        {OTHER_VENUE: 1_000},
        {VENUE: -2_000},
        id="one venue's debt doesn't touch another's",
    ),
]


@pytest.mark.parametrize(("before", "to_pay", "carried"), SNAPSHOTS)
def test_a_run_pays_what_is_owed_exactly_at_its_cutoff(
    ledger: Database,
    appender: Appender,
    *,
    before: tuple[AnyFact | Event, ...],
    to_pay: dict[str, int],
    carried: dict[str, int],
) -> None:
    """Cutoff and neighbours come in one append, so one page has all of them."""
    cutoff = 2 + len(before)
    appender.append(
        redeemed(1), *before, cutoff_fixed(), redeemed(2), voided(2), redeemed(4), redeemed(5)
    )
    fold(ledger)

    lines = ask(ledger, lambda connection: lines_of_run(connection, "2022-06"))

    assert lines is not None
    assert lines.cutoff == cutoff
    assert {line.venue: line.amount_cents for line in lines.lines} == to_pay
    assert lines.carried_forward == carried


def test_two_cutoffs_in_one_page(ledger: Database, appender: Appender) -> None:
    appender.append(
        redeemed(1), cutoff_fixed(), redeemed(2), cutoff_fixed(RunId("2022-07")), redeemed(3)
    )
    fold(ledger)

    first = ask(ledger, lambda connection: lines_of_run(connection, "2022-06"))
    second = ask(ledger, lambda connection: lines_of_run(connection, "2022-07"))

    assert first is not None
    assert second is not None
    assert [line.amount_cents for line in first.lines] == [1_000]
    assert [line.amount_cents for line in second.lines] == [2_000]


def test_a_run_that_is_not_known(ledger: Database) -> None:
    assert ask(ledger, lambda connection: lines_of_run(connection, "2022-06")) is None
