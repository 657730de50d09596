"""The order in which commands go, and what those cost that can't go yet."""

import asyncio
from collections.abc import Iterable, Iterator

import pytest

from ledger.batch import Outcome
from ledger.decisions.situation import Command
from ledger.waiting import BULK_PATIENCE, Submission, Waiting
from tests.builders.commands import activate, issue, order_carnets
from tests.ledger.writing import claim


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Futures want one; nothing runs on it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def queue(loop: asyncio.AbstractEventLoop) -> "Queue":
    return Queue(loop)


class Queue:
    """What waits, and a clock that goes on by a millisecond with each arrival."""

    def __init__(self, loop: asyncio.AbstractEventLoop, largest_batch: int = 5) -> None:
        self._loop = loop
        self.now = 0.0
        self.waiting = Waiting(largest_batch)

    def put(self, *commands: Command) -> None:
        for command in commands:
            self.now += 0.001
            future: asyncio.Future[Outcome] = self._loop.create_future()
            streams, weight = command.streams, command.weight
            self.waiting.put(Submission(command, future, self.now, streams, weight))

    def take(self) -> list[Command]:
        self.batch = self.waiting.take(self.now)
        return [each.command for each in self.batch]


def hot(tickets: Iterable[int]) -> list[Command]:
    return [claim(1, of=n) for n in tickets]


def test_what_waits_for_a_stream_in_flight_is_looked_at_once(queue: Queue) -> None:
    """However many there are, and however often somebody asks for a batch meanwhile."""
    queue.put(claim(1))
    queue.take()
    for n in range(50):
        queue.put(*hot([n]))
        assert queue.take() == []
        assert queue.waiting.ready == 0

    assert len(queue.waiting) == 50


def test_nobody_stands_behind_those_who_wait_for_a_stream_in_flight(queue: Queue) -> None:
    queue.put(claim(1))
    queue.take()
    queue.put(*hot(range(50)), claim(1, number=2))

    assert queue.take() == [claim(1, number=2)]


def test_bulk_work_gets_its_turn_though_its_streams_are_always_under_way(queue: Queue) -> None:
    """Two lanes that take turns on them, for as long as anybody looks."""
    bulk = activate(1, 2)
    queue.put(claim(1, number=1), bulk)
    queue.take()
    in_flight = [queue.batch]
    for n in range(2, 50):
        queue.now += BULK_PATIENCE
        queue.put(claim(n, number=n % 2 + 1))
        if bulk in queue.take():
            break
        queue.waiting.release(in_flight.pop(0))
        in_flight.append(queue.batch)
    else:
        pytest.fail("never")

    queue.waiting.release(queue.batch)
    assert len(queue.waiting) == len(queue.take())


def test_of_one_stream_commands_go_in_the_order_in_which_they_came(queue: Queue) -> None:
    queue.put(claim(1))
    queue.take()
    first = queue.batch
    queue.put(*hot(range(7)))
    queue.take()
    queue.put(*hot(range(7, 12)))

    queue.waiting.release(first)
    taken = []
    while queue.take():
        taken += [each.command for each in queue.batch]
        queue.waiting.release(queue.batch)

    assert taken == hot(range(12))


def test_who_came_first_goes_first_whatever_they_waited_for(queue: Queue) -> None:
    """Two streams are in flight; what waits for them comes back in two parts."""
    queue.put(claim(1))
    queue.take()
    one = queue.batch
    queue.put(claim(1, number=2))
    queue.take()
    other = queue.batch
    queue.put(claim(2), claim(2, number=2), claim(3), claim(3, number=2), claim(4, number=3))
    queue.take()
    third = queue.batch
    queue.put(claim(5, number=4))

    queue.waiting.release(other)
    queue.waiting.release(one)
    queue.waiting.release(third)

    assert queue.take() == [
        claim(2),
        claim(2, number=2),
        claim(3),
        claim(3, number=2),
        claim(5, number=4),
    ]


def test_what_is_put_aside_for_one_of_its_streams_waits_for_the_other_too(queue: Queue) -> None:
    order = order_carnets(programme="DEP25", parent="BFC22", command_id="drawn")
    queue.put(order_carnets(programme="DEP25"))
    queue.take()
    inner = queue.batch
    queue.put(order)
    assert queue.take() == []
    queue.put(order_carnets(command_id="other"))
    assert queue.take() == [order_carnets(command_id="other")]
    outer = queue.batch

    queue.waiting.release(inner)
    assert queue.take() == []
    queue.waiting.release(outer)

    assert queue.take() == [order]


def test_bulk_work_goes_when_nobody_else_can(queue: Queue) -> None:
    """Those who are put aside are none that it takes a turn from."""
    queue.put(claim(1))
    queue.take()
    queue.put(claim(2), issue(9))
    queue.take()

    assert queue.take() == [issue(9)]


def test_bulk_work_is_patient_for_a_while(queue: Queue) -> None:
    queue.put(issue(9), issue(11), claim(1))

    queue.now += BULK_PATIENCE
    assert queue.take() == [issue(9)]
    assert queue.take() == [claim(1)]


def test_all_that_waits_can_be_drained(queue: Queue) -> None:
    queue.put(claim(1))
    queue.take()
    queue.put(claim(2))
    queue.take()
    queue.put(issue(9), claim(1, number=2))

    drained = [each.command for each in queue.waiting.drain()]

    assert drained == [claim(1, number=2), issue(9), claim(2)]
    assert len(queue.waiting) == 0
    queue.waiting.release(queue.batch)
    assert queue.take() == []
