"""What waits for the writer, in what order it goes, and what one command can do to others.

On the log in memory: none of it depends on PostgreSQL.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Self

import pytest

from ledger.batch import Recorded
from ledger.decisions.redemption import RedeemTickets
from ledger.decisions.situation import Command, Decision, Situation
from ledger.log.memory import MemoryRecorder, MemoryStore
from ledger.log.rows import Rows
from ledger.log.store import StoredRow, StoreUnavailableError
from ledger.values.ids import StreamId
from ledger.writer import CommandFailedError, OutcomeUnknownError, OverloadedError, Writer
from tests.builders.commands import issue, order_carnets, publish_rules
from tests.ledger.writing import carry_out, claim, in_circulation, writing

pytestmark = pytest.mark.anyio


class SlowStore(MemoryStore):
    """A log on which every call takes a while, and which notes what it was asked."""

    def __init__(self, log: MemoryRecorder) -> None:
        super().__init__(log)
        self.pause = 0.0
        self.batches: list[int] = []  # rows of each append

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        await asyncio.sleep(self.pause)
        return await super().read(streams)

    async def read_reference(self, after: int) -> list[StoredRow]:
        found = await super().read_reference(after)
        await asyncio.sleep(self.pause)
        return found

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        await asyncio.sleep(self.pause)
        self.batches.append(len(rows))
        return await super().append(rows, minute, expected_reference, clock)


@pytest.fixture
async def log() -> MemoryRecorder:
    """A ledger with forty tickets in people's hands."""
    log = MemoryRecorder()
    async with writing(MemoryStore(log)) as writer:
        await carry_out(writer, in_circulation(carnets=8))
    return log


@pytest.fixture
def store(log: MemoryRecorder) -> SlowStore:
    return SlowStore(log)


async def test_two_lanes_fold_a_reference_fact_once(store: SlowStore) -> None:
    """Both notice that it has moved, and both read it."""
    async with writing(MemoryStore(store._log)) as other, writing(store) as writer:
        await carry_out(other, [publish_rules(2), publish_rules(3)])
        writer._known.is_stale = True
        store.pause = 0.005
        claims = [claim(ticket, number) for number in range(1, 9) for ticket in range(1, 6)]
        first = [writer.submit(each) for each in claims[:20]]
        await asyncio.sleep(0)
        rest = [writer.submit(each) for each in claims[20:]]
        await asyncio.gather(*first, *rest)

        (programme,) = writer.reference.programmes.values()
        assert programme.rule_version == 3


async def test_answers_wait_for_the_commit(store: SlowStore) -> None:
    async with writing(store) as writer:
        store.pause = 0.02
        answer = writer.submit(claim(1))
        size = store._log.head.size
        while store._log.head.size == size:
            assert not answer.done()
            await asyncio.sleep(0.001)

        assert isinstance(await answer, Recorded)


async def test_what_arrives_together_is_appended_together(store: SlowStore) -> None:
    async with writing(store) as writer:
        await asyncio.gather(*(writer.submit(claim(1, number)) for number in range(1, 9)))

    assert store.batches == [8]


async def test_a_batch_is_no_larger_than_it_may_be(store: SlowStore) -> None:
    async with writing(store, largest_batch=3, lanes=1) as writer:
        await asyncio.gather(*(writer.submit(claim(1, number)) for number in range(1, 9)))

    assert store.batches == [3, 3, 2]


async def test_a_command_that_is_larger_than_a_batch_goes_alone(store: SlowStore) -> None:
    """It may not block the queue for ever."""
    order = order_carnets(command_id="more", order="order-2")
    assert order.weight == 2
    async with writing(store, largest_batch=1) as writer:
        answers = [writer.submit(each) for each in (claim(1), order, claim(2))]
        done = await asyncio.wait_for(asyncio.gather(*answers), timeout=5)

    assert all(isinstance(each, Recorded) for each in done)


async def test_a_full_queue_says_so_at_once(store: SlowStore) -> None:
    async with writing(store, capacity=2) as writer:
        store.pause = 0.01
        waiting = [writer.submit(claim(ticket)) for ticket in (1, 2)]
        with pytest.raises(OverloadedError):
            await writer.submit(claim(3))
        await asyncio.gather(*waiting)

        assert isinstance(await writer.execute(claim(3)), Recorded)


async def test_stop_finishes_what_waits_and_takes_nothing_more(store: SlowStore) -> None:
    store.pause = 0.005
    async with writing(store, largest_batch=3) as writer:
        answers = [writer.submit(claim(1, number)) for number in range(1, 9)]
    assert all(isinstance(answer.result(), Recorded) for answer in answers)
    with pytest.raises(OverloadedError):
        await writer.submit(claim(2))


async def test_stop_without_work_ends(store: SlowStore) -> None:
    async with asyncio.timeout(5):
        async with writing(store):
            pass


async def test_terminals_go_before_bulk_work(store: SlowStore) -> None:
    done: list[str] = []
    async with writing(store, lanes=1) as writer:
        await carry_out(writer, [MORE_CARNETS])
        store.pause = 0.005
        for command in (claim(1), *chunks(3), claim(2), claim(3)):
            note_when_done(writer, command, done)

    assert done == [*["RedeemTickets"] * 3, *["IssueCarnets"] * 3]


async def test_impatient_bulk_work_lets_terminals_in_between(store: SlowStore) -> None:
    """Many chunks may wait at once. Their patience ends together; terminals still have turns."""
    done: list[str] = []
    async with writing(store, lanes=1) as writer:
        await carry_out(writer, [MORE_CARNETS])
        store.pause = 0.02
        for command in chunks(20):
            note_when_done(writer, command, done)
        for ticket in range(1, 6):  # all the while, somebody stands at a counter
            await asyncio.sleep(0.05)
            note_when_done(writer, claim(ticket), done)

    last_claim = len(done) - done[::-1].index("RedeemTickets")
    assert done[:last_claim].count("IssueCarnets") <= 8


async def test_a_broken_decision_fails_alone(
    store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    async with writing(store) as writer:
        answers = [writer.submit(each) for each in (claim(1), Broken.of(claim(2)), claim(3))]
        first, broken, last = await asyncio.gather(*answers, return_exceptions=True)

    assert isinstance(broken, CommandFailedError)
    assert isinstance(first, Recorded)
    assert isinstance(last, Recorded)
    assert store.batches == [2]


class PoisonedStore(SlowStore):
    """A log that can't store anything about one ticket."""

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        if any(b'"tickets":[3]' in state for state in rows.states):
            raise RuntimeError("poison")
        return await super().append(rows, minute, expected_reference, clock)


async def test_poison_ends_up_alone(log: MemoryRecorder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    async with writing(PoisonedStore(log)) as writer:
        answers = [writer.submit(claim(ticket, n)) for n in range(1, 9) for ticket in range(1, 6)]
        await asyncio.wait(answers)

    failed = [n for n, answer in enumerate(answers) if answer.exception()]
    assert failed == list(range(2, 40, 5))
    assert all(isinstance(answers[n].exception(), CommandFailedError) for n in failed)


async def test_a_caller_who_went_away_is_no_obstacle(store: SlowStore) -> None:
    async with writing(store) as writer:
        gone, waiting = writer.submit(claim(1)), writer.submit(claim(2))
        gone.cancel()

        assert isinstance(await waiting, Recorded)
        assert isinstance(await writer.execute(claim(3)), Recorded)


async def test_nobody_hangs_when_all_fails_and_a_caller_went_away(
    store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)

    async def broken(streams: Sequence[str]) -> list[StoredRow]:
        raise RuntimeError("no disk, no table, no permission")

    async with writing(store) as writer:
        store.read = broken  # type: ignore[method-assign]
        answers = [writer.submit(claim(ticket)) for ticket in range(1, 6)]
        answers[0].cancel()
        _, hanging = await asyncio.wait(answers, timeout=5)

    assert hanging == set()
    assert all(isinstance(each.exception(), CommandFailedError) for each in answers[1:])


async def test_a_log_out_of_reach_leaves_outcomes_unknown(
    store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(rows: Rows, minute: int, expected_reference: int, clock: int) -> int | None:
        raise StoreUnavailableError("gone")

    async with writing(store) as writer:
        append, store.append = store.append, gone  # type: ignore[method-assign]
        with pytest.raises(OutcomeUnknownError):
            await writer.execute(claim(1))
        store.append = append  # type: ignore[method-assign]

        assert isinstance(await writer.execute(claim(1)), Recorded)
    assert "the log can't be reached: gone" in caplog.text


async def test_appends_are_announced_and_not_one_by_one(store: SlowStore) -> None:
    announced = 0

    async def announce() -> None:
        nonlocal announced
        announced += 1

    store.announce = announce  # type: ignore[method-assign]
    async with writing(store) as writer:
        for ticket in range(1, 6):
            await writer.execute(claim(ticket))
        await asyncio.sleep(0.15)

    assert 1 <= announced <= 3


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (StoreUnavailableError("gone"), []),  # followers poll, too
        (RuntimeError("no such channel"), ["followers were not woken"] * 2),
    ],
    ids=["out of reach", "a defect"],
)
async def test_an_announcement_that_fails_is_not_the_last(
    store: SlowStore, caplog: pytest.LogCaptureFixture, failure: Exception, told: list[str]
) -> None:
    """Followers should not have to poll for ever."""
    attempts: list[None] = []

    async def announce() -> None:
        attempts.append(None)
        raise failure

    store.announce = announce  # type: ignore[method-assign]
    async with writing(store) as writer:
        for ticket in (1, 2):
            await writer.execute(claim(ticket))
            await asyncio.sleep(0.1)

    assert len(attempts) == 2
    assert caplog.messages == told


async def test_who_waits_is_told_when_no_batch_can_be_started(
    store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    """And the writer goes on with what comes later."""
    async with writing(store) as writer:
        may_start, writer._may_start = writer._may_start, broken  # type: ignore[method-assign]
        answers = [writer.submit(each) for each in (claim(1), claim(2), *chunks(1))]
        _, hanging = await asyncio.wait(answers, timeout=5)
        writer._may_start = may_start  # type: ignore[method-assign]
        after = await asyncio.wait_for(writer.execute(claim(1)), timeout=5)

    assert hanging == set()
    assert all(isinstance(each.exception(), CommandFailedError) for each in answers)
    assert isinstance(after, Recorded)
    assert caplog.messages == ["no batch could be started"]


async def test_a_command_that_cant_be_queued_is_its_callers_trouble(store: SlowStore) -> None:
    async with writing(store) as writer:
        for unfit in (Streamless, Weightless):
            with pytest.raises(ZeroDivisionError):
                await writer.submit(unfit.of(claim(1)))

        assert isinstance(await writer.execute(claim(1)), Recorded)


async def test_one_crowded_ticket_leaves_the_other_lane_to_others(store: SlowStore) -> None:
    """Though more wait for it than a batch takes, and its batch has come to a stop."""
    goes_on, append = asyncio.Event(), store.append

    async def append_later(
        rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        if claim(1).stream in rows.streams:
            await goes_on.wait()
        return await append(rows, minute, expected_reference, clock)

    store.append = append_later  # type: ignore[method-assign]
    async with writing(store, largest_batch=20) as writer:
        crowd = [writer.submit(claim(1, of=n)) for n in range(20)]
        await asyncio.sleep(0.01)
        crowd += [writer.submit(claim(1, of=n)) for n in range(20, 60)]
        others = [writer.submit(claim(1, number)) for number in range(2, 9)]
        await asyncio.wait(others, timeout=5)
        served = [answer.done() for answer in others]
        goes_on.set()
        await asyncio.wait(crowd)

    assert all(served)

    assert [isinstance(answer.result(), Recorded) for answer in crowd] == [True] + [False] * 59


# Commands and callers for the tests above.


class Broken(RedeemTickets, frozen=True, kw_only=True):
    """A defect of ours."""

    @classmethod
    def of(cls, redeem: RedeemTickets) -> Self:
        return cls(**{name: getattr(redeem, name) for name in redeem.__struct_fields__})

    def decide(self, at: Situation) -> Decision:
        raise ZeroDivisionError


class Weightless(Broken, frozen=True, kw_only=True):
    """A defect of ours that shows before anything is decided."""

    @property
    def weight(self) -> int:
        raise ZeroDivisionError


class Streamless(Broken, frozen=True, kw_only=True):
    """Another one."""

    @property
    def streams(self) -> tuple[StreamId, ...]:
        raise ZeroDivisionError


def broken() -> bool:
    raise ZeroDivisionError


MORE_CARNETS = order_carnets(command_id="more", order="order-2", carnets=20)


def chunks(count: int) -> list[Command]:
    """Bulk work: an order issued a carnet at a time."""
    return [issue(9 + n, carnets=1, order="order-2") for n in range(count)]


def note_when_done(writer: Writer, command: Command, order: list[str]) -> None:
    name = type(command).__name__
    writer.submit(command).add_done_callback(lambda _: order.append(name))
