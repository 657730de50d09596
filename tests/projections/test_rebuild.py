"""Read models made anew: equal to the live ones, and put in their place without a gap."""

import threading
import time
from dataclasses import replace

import pytest

from ledger.postgres import Database
from projections.balances import BALANCES, list_balances
from projections.beside import RebuildError
from projections.checking import compare
from projections.connecting import connect
from projections.pages import PAGE
from projections.payouts import lines_of_run, payout_of
from projections.rebuild import rebuild
from projections.schema import prepare
from tests.builders.facts import carnets_issued, cutoff_fixed, redeemed, venue_reimbursed, voided
from tests.builders.history import READY
from tests.builders.world import RUN, VENUE
from tests.projections.appending import Appender
from tests.projections.bulk import copy_in, redemptions
from tests.projections.conftest import Following
from tests.projections.reading import ask, check, fold, lag_of, wait_until

NEWER = replace(BALANCES, version=2)
HISTORY = (*READY, redeemed(1, 2), voided(1), cutoff_fixed(), redeemed(3), venue_reimbursed())


def test_what_is_rebuilt_equals_the_live_read_models(ledger: Database, appender: Appender) -> None:
    for fact in HISTORY:  # live: one page for each event
        appender.append(fact)
        fold(ledger)

    assert check(ledger) == []


def test_it_finds_what_is_wrong_to_the_cent(ledger: Database, appender: Appender) -> None:
    end = appender.append(*HISTORY)
    fold(ledger)
    with connect(ledger) as connection:
        connection.execute(
            "UPDATE account_balances SET balance_cents = balance_cents + 1 WHERE account = '512'"
        )
        connection.execute("DELETE FROM payment_run_lines")

    balances, lines = check(ledger)

    assert (balances.table, balances.position) == ("account_balances", end)
    assert (balances.live_rows, balances.missing_rows) == (1, 1)
    assert balances.examples == ("live (512,20001,2)", "log (512,20000,2)")
    assert (lines.table, lines.live_rows, lines.missing_rows) == ("payment_run_lines", 0, 1)


def test_it_compares_while_the_live_ones_move_on(
    ledger: Database, appender: Appender, following: Following
) -> None:
    copy_in(ledger, redemptions(1, 20_000))
    moves = 0

    def move_on(position: int, target: int) -> None:
        nonlocal moves
        moves += 1
        appender.append(redeemed(moves))
        wait_until(ledger, appender.size)

    with following():
        wait_until(ledger, 20_000)
        found = check(ledger, progress=move_on)

    assert moves >= 20_000 / PAGE
    assert found == []


def test_it_compares_as_far_as_the_live_one_came(ledger: Database, appender: Appender) -> None:
    end = appender.append(*HISTORY)
    appender.append_raw("tickets.redeemed.v1", b"?")
    fold(ledger)

    (found,) = compare(ledger, [BALANCES])

    assert (found.position, found.events_behind, found.stopped_at) == (end, 1, end + 1)
    assert (found.stopped_because or "").startswith("UnreadableEventsError")
    assert found.differences == ()


def test_a_rebuild_repairs(ledger: Database, appender: Appender) -> None:
    appender.append(*HISTORY)
    fold(ledger)
    with connect(ledger) as connection:
        connection.execute("DELETE FROM payment_run_lines")
        connection.execute("DROP TABLE account_balances")

    rebuild(ledger)

    lines = ask(ledger, lambda connection: lines_of_run(connection, RUN))
    assert lines is not None
    assert [line.amount_cents for line in lines.lines] == [1_000]
    assert check(ledger) == []


def test_it_swaps_under_a_runner_and_readers(
    ledger: Database, appender: Appender, following: Following
) -> None:
    size = copy_in(ledger, redemptions(1, 20_000))
    reached: list[tuple[int, int]] = []
    with following():
        wait_until(ledger, size)
        for ticket in range(1, 3):
            rebuild(ledger, progress=lambda position, target: reached.append((position, target)))
            assert lag_of(ledger, "payouts").position >= size
            size = appender.append(redeemed(ticket))
            wait_until(ledger, size)

    assert ask(ledger, lambda connection: payout_of(connection, VENUE)).owed_cents == 2_000
    assert check(ledger) == []
    assert (PAGE, 20_000) in reached
    assert (20_000, 20_000) in reached


def test_an_event_that_cannot_be_applied_leaves_the_live_one_as_it_was(
    ledger: Database, appender: Appender
) -> None:
    appender.append(*HISTORY)
    fold(ledger)
    before = ask(ledger, list_balances)
    poison = appender.append(carnets_issued(carnets=1_000_000))

    with pytest.raises(RebuildError, match=f"programmes stopped at position {poison}: "):
        rebuild(ledger)
    assert ask(ledger, list_balances) == before


def test_two_rebuilds_at_once(ledger: Database, appender: Appender) -> None:
    appender.append(*HISTORY)

    rebuild(ledger, progress=lambda *_: rebuild(ledger))

    assert check(ledger) == []
    assert lag_of(ledger, "balances").events_behind == 0


def test_a_reader_that_takes_long_is_waited_for(ledger: Database, appender: Appender) -> None:
    appender.append(*HISTORY)
    fold(ledger)
    with connect(ledger) as reader, reader.transaction():
        reader.execute("TABLE account_balances")
        rebuilding = threading.Thread(target=rebuild, args=(ledger, [BALANCES]))
        rebuilding.start()
        time.sleep(1)
    rebuilding.join(timeout=20)

    assert not rebuilding.is_alive()
    assert check(ledger) == []


def test_a_new_version_is_made_anew(ledger: Database, appender: Appender) -> None:
    """Without a rebuild beforehand it is empty at first, and catches up."""
    appender.append(*HISTORY)
    fold(ledger)
    with connect(ledger) as connection:
        prepare(connection, ledger, (NEWER,))

    assert ask(ledger, list_balances) == []
    assert lag_of(ledger, "balances").position == 0
    fold(ledger, (NEWER,))
    assert lag_of(ledger, "balances").events_behind == 0


def test_a_rebuild_brings_a_new_version(ledger: Database, appender: Appender) -> None:
    """Run before the new program is: its read model is complete from the first moment."""
    appender.append(*HISTORY)
    fold(ledger)

    rebuild(ledger, [NEWER])

    assert lag_of(ledger, "balances").version == 2
    assert lag_of(ledger, "balances").events_behind == 0


def test_an_older_program_leaves_a_newer_version_alone(
    ledger: Database, appender: Appender, following: Following
) -> None:
    """Two versions of the program run for a while when hosts are updated one by one."""
    with following():
        wait_until(ledger, appender.append(redeemed(1)))
        rebuild(ledger, [NEWER])
        wait_until(ledger, appender.append(redeemed(2)), "payouts")
    with following():
        wait_until(ledger, appender.append(redeemed(3)), "payouts")

        found = lag_of(ledger, "balances")
        assert (found.version, found.position, found.state) == (2, 1, "unattended")
        with following((NEWER,)):
            wait_until(ledger, 3, "balances")
            assert lag_of(ledger, "balances").state == "following"

    with pytest.raises(RebuildError, match="not of version 1"):
        check(ledger, [BALANCES])
