"""How fast a read model catches up. The figure goes to the benchmark; here it must not collapse."""

import time

import pytest

from ledger.postgres import Database
from projections.balances import BALANCES
from projections.connecting import connect
from projections.payouts import PAYOUTS
from projections.stepping import catch_up
from tests.projections.bulk import copy_in, redemptions

EVENTS = 150_000
GOAL = 60_000  # events a second for both
FLOOR = 25_000  # of a core's time, so that it holds whatever else the machine does


@pytest.mark.slow
def test_balances_and_payouts_catch_up(
    ledger: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    size = copy_in(ledger, redemptions(1, EVENTS))
    with connect(ledger) as connection:
        began, began_cpu = time.perf_counter(), time.process_time()
        catch_up(connection, {"balances": BALANCES, "payouts": PAYOUTS}, size)
        took, cpu = time.perf_counter() - began, time.process_time() - began_cpu

    with capsys.disabled():
        print(f"\ncatch-up: {size / took:,.0f} events/s, {size / cpu:,.0f} a core (≥ {GOAL:,})")
    assert size / cpu >= FLOOR
