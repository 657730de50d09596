"""How far behind, in events and seconds; and waiting for a position."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ledger.postgres import Database
from projections.lag import lag
from projections.projection import AsyncConnection
from projections.waiting import NotReachedError, wait_for
from tests.builders.facts import ledger_started, redeemed, venue_registered
from tests.builders.placing import recorded
from tests.projections.appending import Appender
from tests.projections.conftest import Following
from tests.projections.reading import ask, fold, lag_of, wait_until


def test_nothing_is_behind_an_empty_log(ledger: Database) -> None:
    states = ask(ledger, lambda connection: lag(connection, ledger))

    assert [state.projection for state in states] == [
        "balances",
        "payouts",
        "programmes",
        "redemptions",
    ]
    assert {(s.events_behind, s.seconds_behind, s.state) for s in states} == {(0, 0, "unattended")}


def test_events_and_seconds_behind(ledger: Database, appender: Appender) -> None:
    """Seconds are those of the first event that is missing."""
    now = datetime.now(UTC)
    appender.append(recorded(ledger_started(), at=now - timedelta(hours=2)))
    fold(ledger)
    appender.append(
        recorded(venue_registered(), at=now - timedelta(seconds=90)),
        recorded(venue_registered(), at=now - timedelta(seconds=30)),
    )

    found = lag_of(ledger, "balances")

    assert (found.position, found.events_behind) == (1, 2)
    assert found.seconds_behind == pytest.approx(90, abs=10)


def test_a_demo_has_a_time_of_its_own(ledger: Database, appender: Appender) -> None:
    offset = -3 * 365 * 86_400
    shifted = datetime.now(UTC) + timedelta(seconds=offset)
    appender.append(
        recorded(ledger_started(demo=True, clock_offset_seconds=offset), at=shifted),
        recorded(venue_registered(), at=shifted),
    )

    assert lag_of(ledger, "balances").seconds_behind == pytest.approx(0, abs=10)


def test_attended(ledger: Database, appender: Appender, following: Following) -> None:
    with following():
        wait_until(ledger, appender.append(redeemed(1)))
        states = ask(ledger, lambda connection: lag(connection, ledger))

    assert {state.state for state in states} == {"following"}


def test_waiting_for_what_comes(ledger: Database, appender: Appender, following: Following) -> None:
    async def wait_then_look(connection: AsyncConnection) -> int:
        waiting = asyncio.create_task(wait_for(connection, "balances", 2, 20))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await asyncio.to_thread(appender.append, redeemed(2))
        return await waiting

    with following():
        wait_until(ledger, appender.append(redeemed(1)))
        assert ask(ledger, wait_then_look) == 2


def test_waiting_for_what_does_not_come(ledger: Database, appender: Appender) -> None:
    appender.append(redeemed(1))
    fold(ledger)

    with pytest.raises(NotReachedError, match="payouts is at 1, not yet at 2"):
        ask(ledger, lambda connection: wait_for(connection, "payouts", 2, 0.1))


def test_waiting_for_what_will_not_come(ledger: Database, appender: Appender) -> None:
    appender.append_raw("tickets.redeemed.v1", b"?")
    fold(ledger)

    with pytest.raises(NotReachedError, match="payouts stopped at position 1: Unreadable"):
        ask(ledger, lambda connection: wait_for(connection, "payouts", 1, 60))
