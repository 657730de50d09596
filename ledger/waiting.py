"""What waits for the writer, and in what order it goes.

Terminals go first; bulk work goes one command at a time, when nobody else waits or it has let them
go for a while. A command whose stream is in a batch that is under way is put aside, and comes back
in its turn when that batch is done: so each is looked at once, however many want the same ticket.
Bulk work that has been patient and still finds a stream of its own under way goes before all who
want its streams, too.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from ledger.batch import Outcome
from ledger.decisions.situation import Command
from ledger.values.ids import StreamId

BULK_PATIENCE: Final = 0.1  # seconds that bulk work lets terminals go before


@dataclass(slots=True)
class Submission:
    """A command that waits for its outcome."""

    command: Command
    future: "asyncio.Future[Outcome]"
    submitted: float  # the loop's time
    streams: tuple[StreamId, ...]  # the command's, asked for once: likewise its weight
    weight: int


class Waiting:
    """The queues. Terminals' commands of one stream go in the order in which they came."""

    def __init__(self, largest_batch: int) -> None:
        self._largest_batch = largest_batch
        self._urgent: deque[Submission] = deque()  # in the order of their arrival
        self._bulk: deque[Submission] = deque()
        self._bulk_taken = 0.0  # when bulk work had its last turn
        self._in_flight: set[StreamId] = set()  # of batches that were taken and not released
        self._aside: dict[StreamId, list[Submission]] = {}  # by a stream that is busy
        self._aside_count = 0

    def __len__(self) -> int:
        return len(self._urgent) + len(self._bulk) + self._aside_count

    @property
    def ready(self) -> int:
        """How many there may be to take: those put aside can't be."""
        return len(self._urgent) + len(self._bulk)

    def put(self, each: Submission) -> None:
        (self._bulk if each.command.may_wait else self._urgent).append(each)

    def take(self, now: float) -> Sequence[Submission]:
        """The next batch, if there is any. Its streams are in flight until it is released."""
        if not self._bulk_is_due(now):
            batch = self._take_urgent(self._in_flight)
        elif self._in_flight.isdisjoint(bulk := self._bulk[0].streams):
            self._bulk_taken = now
            batch = [self._bulk.popleft()]
        else:
            batch = self._take_urgent(self._in_flight.union(bulk))
        for each in batch:
            self._in_flight.update(each.streams)
        return batch

    def release(self, batch: Sequence[Submission]) -> None:
        """The batch is done: what waited for its streams may go."""
        for each in batch:
            self._in_flight.difference_update(each.streams)
        if self._aside:
            done = dict.fromkeys(stream for each in batch for stream in each.streams)
            self._put_back([each for stream in done for each in self._aside.pop(stream, ())])

    def drain(self) -> list[Submission]:
        """Take all that waits, for no batch at all."""
        aside = [each for found in self._aside.values() for each in found]
        everything = [*self._urgent, *self._bulk, *aside]
        self._urgent.clear()
        self._bulk.clear()
        self._aside.clear()
        self._aside_count = 0
        return everything

    def _take_urgent(self, busy: AbstractSet[StreamId]) -> list[Submission]:
        """Those whose streams are free. What waits for a busy one is put aside."""
        batch: list[Submission] = []
        room, urgent = self._largest_batch, self._urgent
        while urgent:
            each = urgent[0]
            if batch and each.weight > room:
                break  # what is larger than any batch goes alone
            urgent.popleft()
            if busy and not busy.isdisjoint(each.streams):
                self._put_aside(each, busy)
            else:
                room -= each.weight
                batch.append(each)
        return batch

    def _put_aside(self, each: Submission, busy: AbstractSet[StreamId]) -> None:
        blocking = next(stream for stream in each.streams if stream in busy)
        self._aside.setdefault(blocking, []).append(each)
        self._aside_count += 1

    def _put_back(self, back: list[Submission]) -> None:
        """Before all that came later. Those at the front that came earlier stay there."""
        self._aside_count -= len(back)
        last = max((each.submitted for each in back), default=0.0)
        while back and self._urgent and self._urgent[0].submitted <= last:
            back.append(self._urgent.popleft())
        back.sort(key=_arrival)
        self._urgent.extendleft(reversed(back))

    def _bulk_is_due(self, now: float) -> bool:
        """Whether a bulk command waits and no terminal does, or it has let them go for a while."""
        if not self._bulk or not self._urgent:
            return bool(self._bulk)
        return now - max(self._bulk[0].submitted, self._bulk_taken) > BULK_PATIENCE


def _arrival(each: Submission) -> float:
    return each.submitted
