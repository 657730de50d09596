"""Hosts' clocks disagree: the log's minute holds, and the database's clock is the limit."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.batch import Recorded
from ledger.postgres import Database
from ledger.values.clock import real_now
from ledger.values.reasons import Reason, Refusal
from ledger.writer import OutcomeUnknownError
from tests.builders.commands import check, register_holder, start_ledger
from tests.builders.world import NOW
from tests.ledger.stores import Interrupted, Unguarded
from tests.ledger.writing import (
    CHANNEL,
    SetClock,
    carry_out,
    claim,
    events,
    refusals,
    store_on,
    writing,
)

pytestmark = pytest.mark.anyio


async def test_a_clock_behind_the_log_takes_the_logs_minute(ledger: Database) -> None:
    ahead = SetClock(NOW + timedelta(minutes=10, seconds=40))
    async with writing(store_on(ledger), ahead) as fast, writing(store_on(ledger)) as slow:
        first, second = [*await carry_out(fast, [claim(1)]), *await carry_out(slow, [claim(2)])]

    assert first.event.recorded_at == ahead.instant
    assert second.event.recorded_at == ahead.instant.replace(second=0)


async def test_a_clock_that_is_far_behind_the_log_is_told_once(
    ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Or one that was ahead: nobody can know which. All goes on, slowly."""
    async with (
        writing(store_on(ledger), SetClock(NOW + timedelta(minutes=5))) as other,
        writing(store_on(ledger)) as writer,
    ):
        await carry_out(other, [claim(1)])
        await carry_out(writer, [claim(2)])
        assert caplog.messages == []
    async with (
        writing(store_on(ledger), SetClock(NOW + timedelta(minutes=6))) as ahead,
        writing(store_on(ledger)) as writer,
    ):
        await carry_out(ahead, [claim(3)])
        await carry_out(writer, [claim(4), claim(5)])

    (told,) = caplog.messages
    assert told.startswith("the log is 6 minutes ahead of this host's clock")


async def test_without_its_guard_a_slow_clock_would_back_date(ledger: Database) -> None:
    ahead = SetClock(NOW + timedelta(minutes=10))
    async with writing(store_on(ledger), ahead) as fast:
        await carry_out(fast, [claim(1)])
    async with writing(Unguarded(ledger.writer, CHANNEL)) as slow:
        (second,) = await carry_out(slow, [claim(2)])

    assert second.event.recorded_at == NOW


async def test_a_slow_clock_redeems_nothing_that_has_expired_by_the_logs(
    ledger: Database,
) -> None:
    """The first server whose clock says so ends a ticket's life on all of them."""
    end = datetime(2023, 1, 31, 23, 0, tzinfo=UTC)
    async with writing(store_on(ledger), SetClock(end - timedelta(minutes=2))) as slow:
        await carry_out(slow, [claim(1)])
        async with writing(store_on(ledger), SetClock(end)) as fast:
            await carry_out(fast, [register_holder(holder="mairie", command_id="mairie")])
        refused = await slow.execute(claim(2))

    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.CARNET_EXPIRED


async def test_what_a_retry_was_refused_its_first_attempt_is_not_granted(
    ledger: Database,
) -> None:
    """The first attempt is on its way from a host whose clock is behind the other's."""
    end = datetime(2023, 1, 31, 23, 0, tzinfo=UTC)
    slow_store = Interrupted(ledger)
    retried: list[object] = []
    async with (
        writing(slow_store, SetClock(end - timedelta(minutes=1))) as slow,
        writing(store_on(ledger), SetClock(end)) as fast,
    ):

        async def retry() -> None:
            retried.append(await fast.execute(claim(1)))

        slow_store.meanwhile = retry
        first = await slow.execute(claim(1))

    assert isinstance(first, Refusal)
    assert first.reason is Reason.CARNET_EXPIRED
    assert retried == [first]


async def test_a_clock_far_ahead_decides_nothing(
    ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Or it would end the life of all tickets, for all: the log's time never goes back."""
    size, fast = len(events(ledger)), SetClock(real_now() + timedelta(days=400))
    async with writing(store_on(ledger), fast) as writer:
        for command in (claim(1), check(1), register_holder(holder="mairie", command_id="m")):
            with pytest.raises(OutcomeUnknownError):
                await writer.execute(command)
        fast.instant = NOW
        assert isinstance(await writer.execute(claim(1)), Recorded)
    async with writing(store_on(ledger)) as writer:
        assert isinstance(await writer.execute(claim(2)), Recorded)

    (told,) = caplog.messages
    assert told.startswith("this host's clock is 5760")
    assert "minutes ahead of the database's" in told
    assert len(events(ledger)) == size + 2
    assert refusals(ledger) == []


async def test_a_demos_clock_may_be_anywhere(database: Database) -> None:
    """It is the host's own that has to agree with the database's."""
    offset = timedelta(days=400)
    async with writing(store_on(database), SetClock(real_now())) as writer:
        (started,) = await carry_out(
            writer, [start_ledger(demo=True, clock_offset_seconds=int(offset.total_seconds()))]
        )
        (known,) = await carry_out(writer, [register_holder()])

    assert known.event.recorded_at - started.event.recorded_at >= offset
