"""Hosts: each has a writer, a clock of its own, and crashes now and then."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from ledger.batch import Outcome
from ledger.decisions.situation import Command
from ledger.log.store import Store, StoreUnavailableError
from ledger.values.clock import Clock
from ledger.writer import CommandFailedError, Writer, WriterError
from tests.simulation.audit import Audit

NewWriter = Callable[[Store, Clock], Writer]


class HostLostError(Exception):
    """The host went away with the request."""


@dataclass
class HostClock:
    """A clock that goes as fast as all others, and shows something else."""

    true: Callable[[], datetime]
    skew: timedelta = timedelta()

    def now(self) -> datetime:
        return (self.true() + self.skew).replace(microsecond=0)


@dataclass
class Host:
    """One process of the service."""

    name: str
    chance: Random
    audit: Audit
    new_store: Callable[[], Store]
    new_writer: NewWriter
    clock: HostClock
    writer: Writer | None = None
    crashes: int = 0
    # A set of these would have another order in another process.
    _waiting: list["asyncio.Future[Outcome]"] = field(default_factory=list)

    async def start(self) -> None:
        """Start, as soon as the log can be reached."""
        writer = self.new_writer(self.new_store(), self.clock)
        while True:
            try:
                await writer.start()
            except StoreUnavailableError:
                await asyncio.sleep(0.1)
            else:
                self.writer = writer
                return

    async def crash(self) -> None:
        """End between any two steps. What waited is lost; what reached the log is not."""
        if (writer := self.writer) is None:
            return
        self.writer, self.crashes = None, self.crashes + 1
        tasks = sorted([*writer._tasks, *writer._batches], key=_number)
        for task in tasks:
            task.cancel()
        for future in list(self._waiting):
            if not future.done():
                future.set_exception(HostLostError())
        await asyncio.gather(*tasks, return_exceptions=True)

    async def leave(self) -> None:
        """End as on SIGTERM: finish what waits."""
        if (writer := self.writer) is None:
            return
        self.writer = None
        await writer.stop()
        if any(not future.done() for future in self._waiting):
            self.audit.complain(f"{self.name} left with answers outstanding")

    async def execute(self, command: Command) -> Outcome | None:
        """What the writer says; None where that is not known. Every answer is audited."""
        if (writer := self.writer) is None:
            return None
        before = self.audit.arrival(command)
        try:
            future = writer.submit(command)
            self._waiting.append(future)
            future.add_done_callback(self._waiting.remove)
            outcome = await future
        except CommandFailedError as e:
            self.audit.complain(f"{command.command_id} failed: {e}")
            return None
        except (WriterError, HostLostError):
            return None
        self.audit.answered(command, outcome, before)
        if self.chance.random() < 0.02:
            self.audit.compare(writer.reference)
        return outcome


def _number(task: "asyncio.Task[None]") -> int:
    """Tasks in the order in which they were made; a set of them has none."""
    return int(task.get_name().rpartition("-")[2])
