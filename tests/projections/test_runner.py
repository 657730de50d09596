"""What the runner does when things go wrong: each event still counts once."""

import time
from dataclasses import replace

import psycopg
import pytest

from ledger.facts import TicketsRedeemed
from ledger.facts.codec import TOPICS
from ledger.postgres import Database, PostgresServer
from projections.balances import BALANCES, Movement, list_balances, trial_balance
from projections.connecting import connect
from projections.payouts import payout_of
from projections.projection import Connection
from projections.registry import READ_MODELS
from tests.builders.facts import carnets_issued, cutoff_fixed, redeemed, venue_registered
from tests.builders.world import VENUE
from tests.postgres_fixtures import ROLES, end_sessions
from tests.projections.appending import Appender
from tests.projections.bulk import AMOUNT_CENTS, VENUES, copy_in, redemptions
from tests.projections.conftest import Following
from tests.projections.reading import ask, fold, lag_of, wait_until

REDEEMED = TOPICS[TicketsRedeemed]


def owed(database: Database) -> int:
    return ask(database, lambda connection: payout_of(connection, VENUE)).owed_cents


def test_it_wakes_by_notification(
    ledger: Database,
    appender: Appender,
    following: Following,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("projections.runner.POLL_SECONDS", 60)
    with following() as stop:
        wait_until(ledger, appender.append(redeemed(1)))
        time.sleep(0.5)  # it sleeps by now
        began = time.monotonic()
        wait_until(ledger, appender.append(redeemed(2)))
        took = time.monotonic() - began
        stop.set()
        appender.append(redeemed(3))  # or it would sleep on for a minute

    assert took < 5


def test_it_looks_by_itself_too(ledger: Database, following: Following) -> None:
    """A notification may get lost with a connection; here there is none."""
    with following():
        wait_until(ledger, 0)
        wait_until(ledger, copy_in(ledger, redemptions(1, 10)))


def test_it_survives_the_loss_of_its_connection(
    ledger: Database, appender: Appender, following: Following, postgres_server: PostgresServer
) -> None:
    with following():
        for ticket in range(1, 5):
            wait_until(ledger, appender.append(redeemed(ticket)))
            assert end_sessions(postgres_server, ledger, ROLES.projector) > 0

        wait_until(ledger, appender.append(redeemed(5)))

    assert owed(ledger) == 5_000


def test_events_that_nobody_wants_move_the_position(ledger: Database, appender: Appender) -> None:
    appender.append(venue_registered())
    fold(ledger)

    assert lag_of(ledger, "balances").position == 1


def test_unknown_topics_are_passed_over(ledger: Database, appender: Appender) -> None:
    """A later version of the program may write what this one can't read."""
    appender.append_raw("tickets.framed.v1", b"?")
    fold(ledger)

    assert lag_of(ledger, "balances").position == 1


def test_an_event_that_cannot_be_read_stops_those_who_want_it(
    ledger: Database, appender: Appender
) -> None:
    appender.append(*(redeemed(ticket) for ticket in range(1, 6)))
    broken = appender.append_raw(REDEEMED, b'{"fact": {"type": "tickets.redeemed.v1"}}')
    appender.append(redeemed(6), cutoff_fixed())
    fold(ledger)

    stopped = lag_of(ledger, "payouts")
    assert (stopped.state, stopped.position, stopped.stopped_at) == ("stopped", 5, broken)
    assert "missing required field" in (stopped.stopped_because or "")
    assert stopped.events_behind == 3
    assert owed(ledger) == 5_000  # all that came before it


def test_an_event_that_cannot_be_applied_stops_only_its_read_model(
    ledger: Database, appender: Appender, following: Following
) -> None:
    """Carnets are issued that nobody ordered: the decisions don't let that happen."""
    poison = appender.append(redeemed(1), redeemed(2), carnets_issued())
    with following():
        end = appender.append(redeemed(3))
        wait_until(ledger, end, "balances", "payouts", "redemptions")
        stopped = lag_of(ledger, "programmes")
        others = lag_of(ledger, "balances")

    assert (stopped.state, stopped.position, stopped.stopped_at) == ("stopped", 2, poison)
    assert "LookupError" in (stopped.stopped_because or "")
    assert (others.state, others.events_behind) == ("following", 0)


def test_what_fails_half_way_leaves_nothing(ledger: Database, appender: Appender) -> None:
    """Tables and position move together; the database's trouble is no event's fault."""

    def write(connection: Connection, net: dict[str, Movement]) -> None:
        BALANCES.write(connection, net)
        raise psycopg.OperationalError("the disk is full")

    appender.append(redeemed(1))
    with pytest.raises(psycopg.OperationalError):
        fold(ledger, (replace(BALANCES, write=write),))

    assert ask(ledger, list_balances) == []
    assert (lag_of(ledger, "balances").position, lag_of(ledger, "balances").stopped_at) == (0, None)


def test_what_has_stopped_is_tried_again_by_the_next_process(
    ledger: Database, appender: Appender, following: Following
) -> None:
    """A corrected program needs no repair by hand."""
    appender.append(redeemed(1))
    with connect(ledger) as connection:
        connection.execute(
            "UPDATE projection_states SET stopped_at = 1, stopped_because = 'a bug, now corrected'"
        )
    with following():
        deadline = time.monotonic() + 20
        while lag_of(ledger, "balances").position < 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_two_runners_share_the_work_without_doing_it_twice(
    ledger: Database, appender: Appender, following: Following
) -> None:
    with following(), following():
        for ticket in range(1, 31):
            appender.append(redeemed(ticket))
        wait_until(ledger, appender.size)

    assert owed(ledger) == 30_000


def test_another_runner_takes_over(
    ledger: Database, appender: Appender, following: Following
) -> None:
    with following():
        wait_until(ledger, appender.append(redeemed(1)))
        with following():
            pass
        wait_until(ledger, appender.append(redeemed(2)))
    with following():
        wait_until(ledger, appender.append(redeemed(3)))

    assert owed(ledger) == 3_000


def test_the_position_alone_lets_one_of_two_through(
    ledger: Database,
    appender: Appender,
    following: Following,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The advisory lock only saves work."""
    monkeypatch.setattr("projections.runner._LEAD", "SELECT %b::int <> %b::int")
    with following(), following(), following():
        for ticket in range(1, 31):
            appender.append(redeemed(ticket))
            time.sleep(0.02)
        wait_until(ledger, appender.size)

    assert owed(ledger) == 30_000


def test_pages_of_many_read_models_meet(ledger: Database, appender: Appender) -> None:
    """One that starts afresh, far behind, ends up at the very position of the others."""
    size = copy_in(ledger, redemptions(1, 12_000))
    fold(ledger, READ_MODELS[:1])
    fold(ledger)

    assert {lag_of(ledger, p.name).position for p in READ_MODELS} == {size}
    assert ask(ledger, trial_balance).postings == 24_000
    (circulation,) = ask(ledger, lambda connection: list_balances(connection, "467:"))
    assert circulation.balance_cents == 12_000 * AMOUNT_CENTS
    assert len(ask(ledger, lambda connection: list_balances(connection, "401:"))) == len(VENUES)
