"""Read models take the largest numbers that commands may say."""

from contextlib import closing
from typing import Final

import pytest

from ledger.decisions.funding import LARGEST_CHUNK, Stage
from ledger.decisions.programmes import (
    LARGEST_CAP,
    LARGEST_CLAIM,
    LARGEST_SIZE,
    LARGEST_WEIGHT,
    LAST_YEAR,
)
from ledger.decisions.redemption import VOIDS_A_TICKET
from ledger.postgres import Database
from ledger.values.codes import LARGEST_NUMBER
from ledger.values.money import LARGEST_AMOUNT, LARGEST_FACE_VALUE, Cents
from projections.balances import list_balances, trial_balance
from projections.exposure import exposure
from projections.payouts import list_payouts
from projections.schema import prepare_read_models
from tests.builders.commands import (
    activate,
    issue,
    open_programme,
    order_carnets,
    publish_rules,
    record_funding,
    redeem,
    serials,
)
from tests.builders.facts import assigned, holder_registered, ledger_started
from tests.builders.history import AT_THE_VENUE, Log, log_of
from tests.builders.placing import recorded
from tests.projections.appending import Appender
from tests.projections.reading import ask, fold

BIGINT: Final = 2**63 - 1
ENTRIES: Final = 50  # of each stage
STAGES: Final[tuple[Stage, ...]] = ("commitment", "order", "cash")
TICKETS: Final = LARGEST_NUMBER * LARGEST_SIZE


def largest() -> Log:
    """A programme in which every number is the largest that its command takes."""
    log = log_of(ledger_started(), holder_registered(), *AT_THE_VENUE)
    face, size = Cents(LARGEST_FACE_VALUE), LARGEST_SIZE
    for command in (
        open_programme(cap_tickets=LARGEST_CAP, shares={"region": LARGEST_WEIGHT, "state": 1}),
        publish_rules(face_value_cents=face, sizes=(size,), millesimes=(2022, LAST_YEAR)),
        order_carnets(carnets=LARGEST_NUMBER, size=size),
        *(
            record_funding(
                stage=stage, reference=f"{stage} {number}", cents={"region": LARGEST_AMOUNT}
            )
            for stage in STAGES
            for number in range(ENTRIES)
        ),
        record_funding(millesime=LAST_YEAR, cents={"region": LARGEST_AMOUNT}),
        issue(carnets=LARGEST_CHUNK, size=size),
        activate(carnets=serials(*range(1, LARGEST_CHUNK + 1))),
    ):
        log.submit(command)
    log.append(recorded(assigned(tickets=tuple(range(1, size + 1)))))
    log.submit(redeem(1, 2))
    return log


@pytest.fixture(scope="module")
def read_models(module_database: Database) -> Database:
    """A ledger whose read models have taken it."""
    prepare_read_models(module_database)
    with closing(Appender(module_database)) as appender:
        appender.append(*largest().events)
    fold(module_database)
    return module_database


def test_the_largest_numbers_are_taken_and_shown(read_models: Database) -> None:
    year, last = ask(read_models, exposure)

    assert (year.ordered_tickets, year.ordered_cents) == (TICKETS, TICKETS * LARGEST_FACE_VALUE)
    activated = LARGEST_CHUNK * LARGEST_SIZE * LARGEST_FACE_VALUE
    assert (year.activated_cents, year.redeemed_cents) == (activated, 2 * LARGEST_FACE_VALUE)
    funded = (year.committed_cents, year.payment_ordered_cents, year.received_cents)
    assert funded == (ENTRIES * LARGEST_AMOUNT,) * 3
    assert (last.millesime, last.received_cents) == (LAST_YEAR, LARGEST_AMOUNT)


def test_the_books_balance(read_models: Database) -> None:
    total = ask(read_models, trial_balance)

    assert total.balanced
    assert total.debit_cents == (ENTRIES + 1) * LARGEST_AMOUNT
    assert max(abs(each.balance_cents) for each in ask(read_models, list_balances)) < BIGINT
    assert [each.owed_cents for each in ask(read_models, list_payouts)] == [2 * LARGEST_FACE_VALUE]


def test_there_is_a_wide_margin() -> None:
    """A hundred thousand of the largest entries, whatever becomes of them, and every order."""
    times_redeemed = VOIDS_A_TICKET * LARGEST_CLAIM + 1  # and once for good

    assert 100_000 * times_redeemed * LARGEST_AMOUNT < BIGINT
    assert 1_000 * TICKETS * LARGEST_FACE_VALUE < BIGINT
