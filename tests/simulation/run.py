"""One run: hosts, clients and mishaps, all drawn from one seed."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from ledger import writer
from ledger.batch import Outcome, Recorded
from ledger.decisions.redemption import CheckTickets
from ledger.decisions.situation import Command
from ledger.log.store import Store
from ledger.values.clock import Clock
from ledger.values.reasons import Refusal
from ledger.writer import Writer
from tests.builders.world import PEPPERS
from tests.simulation.audit import Audit, ViolationError
from tests.simulation.hosts import Host, HostClock
from tests.simulation.log import Faults, SimulatedLog, SimulatedStore
from tests.simulation.loop import VirtualLoop
from tests.simulation.requests import Requests, beginning, named

HOSTS = 5
CLIENTS = 40
QUEUE = 12  # commands
BATCH = 8  # facts
ATTEMPTS = 6  # until a client gives up
PACE = 20  # seconds of the ledger's time in one of the loop's
END_OF_2022 = datetime(2023, 1, 31, 23, tzinfo=UTC)  # when the first millésime's tickets expire


@dataclass
class Settings:
    """What is run. The parts can be replaced by planted ones, to see whether it is noticed."""

    seed: int
    operations: int
    log: type[SimulatedLog] = SimulatedLog
    store: type[SimulatedStore] = SimulatedStore
    writer: type[Writer] = Writer
    trace: int = 200  # lines kept


@dataclass
class Report:
    """What happened in a run that held."""

    seed: int
    operations: int
    events: int
    refusals: int
    crashes: int
    seconds: float  # of the ledger's time
    digest: str
    told: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)


class Simulation:
    """All of it, in one thread, on one loop, from one seed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.chance = Random(settings.seed)
        self.faults = Faults()
        self._trace: deque[tuple[float, str, tuple[object, ...]]] = deque(maxlen=settings.trace)
        self._loop = asyncio.get_running_loop()
        self._start = END_OF_2022 - timedelta(minutes=self.chance.uniform(1, 40))
        self.log = settings.log(self.chance, self.faults, HostClock(self.now))
        self.audit = Audit(self.log)
        self.requests = Requests(self.chance, self.audit)
        self.hosts = [self._new_host(f"host-{n}") for n in range(HOSTS)]
        self._left = settings.operations
        self._unanswered: list[Command] = []
        self._asked: Counter[str] = Counter()
        self._deliveries: list[asyncio.Task[Outcome | None]] = []  # under way

    def _new_host(self, name: str) -> Host:
        clock = HostClock(self.now, timedelta(seconds=self.chance.choice((0, 0, -150, 90))))
        return Host(
            name,
            self.chance,
            self.audit,
            lambda: self.settings.store(self.log),
            self._new_writer,
            clock,
        )

    def _new_writer(self, store: Store, clock: Clock) -> Writer:
        """With a short queue and small batches, so that they are filled."""
        return self.settings.writer(store, clock, PEPPERS, capacity=QUEUE, largest_batch=BATCH)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time() * PACE)

    def note(self, who: str, *what: object) -> None:
        """Keep a line of the trace; it is written where somebody wants to read it."""
        self._trace.append((self._loop.time(), who, what))

    @property
    def trace(self) -> str:
        return "\n".join(
            f"{at:9.4f}  {who:<10} {' '.join(map(told, what))}" for at, who, what in self._trace
        )

    async def run(self) -> Report:
        """Run to the end.

        Raises:
            ViolationError: something happened that must not happen.
        """
        failing = asyncio.create_task(self.audit.failed.wait())
        running = asyncio.create_task(self._run())
        await asyncio.wait([failing, running], return_when=asyncio.FIRST_COMPLETED)
        if self.audit.violation is None:
            await running
            self.audit.close()
        if self.audit.violation is not None:
            raise ViolationError(self.audit.violation)
        return Report(
            self.settings.seed,
            self.settings.operations,
            len(self.audit.ledger.events),
            len(self.log.refusals),
            sum(host.crashes for host in self.hosts),
            self._loop.time() * PACE,
            self.audit.digest,
            self.audit.told,
            self._asked,
        )

    async def _run(self) -> None:
        await self._begin()
        mishaps = [asyncio.create_task(self._trouble(host)) for host in self.hosts]
        mishaps.append(asyncio.create_task(self._outages()))
        async with asyncio.TaskGroup() as clients:
            for n in range(CLIENTS):
                clients.create_task(self._client(f"client-{n}"))
        for task in mishaps:
            task.cancel()
        await asyncio.gather(*mishaps, return_exceptions=True)
        await self._settle()

    async def _begin(self) -> None:
        """Set the ledger up on a good day."""
        lost = (self.faults.request_lost, self.faults.answer_lost)
        self.faults.end()
        for host in self.hosts:
            await host.start()
        for command in beginning():
            self.audit.asking(command)
            outcome = await self.hosts[0].execute(command)
            if not isinstance(outcome, Recorded):
                self.audit.complain(f"{named(command)}: {outcome}")
        self.faults.request_lost, self.faults.answer_lost = lost

    async def _settle(self) -> None:
        """The faults are over. Whatever was asked gets an answer now."""
        self.faults.end()
        for host in self.hosts:
            host.clock.skew = timedelta()
            if host.writer is None:
                await host.start()
        await asyncio.gather(*self._deliveries)
        for command in self._unanswered:
            outcome = await self.hosts[0].execute(command)
            if outcome is None:
                self.audit.complain(f"{named(command)} gets no answer though all is well")
        for host in self.hosts:
            await host.leave()

    # Clients.

    async def _client(self, name: str) -> None:
        while self._left > 0:
            self._left -= 1
            command = self.requests.draw()
            self._asked[type(command).__name__] += 1
            self.audit.asking(command)
            outcome = await self._ask(name, command)
            self.note(name, command, outcome)
            if outcome is None:
                self._unanswered.append(command)
            await asyncio.sleep(self.chance.expovariate(1 / 0.05))

    async def _ask(self, name: str, command: Command) -> Outcome | None:
        """Ask, and ask again with the same id, until there is an answer or patience ends."""
        for _ in range(ATTEMPTS):
            deliveries = [self._send(name, host, command) for host in self._hosts_for(command)]
            await asyncio.wait(deliveries, timeout=self.chance.uniform(0.1, 1.5))
            answers = [each.result() for each in deliveries if each.done()]
            if heard := [each for each in answers if each is not None]:
                return heard[0]
            await asyncio.sleep(self.chance.uniform(0.01, 0.4))
        return None

    def _hosts_for(self, command: Command) -> list[Host]:
        """One, or two at once. The last one is asked for little but checks, so it writes little."""
        *busy, quiet = self.hosts
        if self.chance.random() < (0.6 if isinstance(command, CheckTickets) else 0.03):
            return [quiet]
        return self.chance.sample(busy, 2 if self.chance.random() < 0.04 else 1)

    def _send(self, name: str, host: Host, command: Command) -> "asyncio.Task[Outcome | None]":
        """A request goes its way, also when its sender waits no longer."""
        delivery = asyncio.create_task(self._deliver(name, host, command))
        self._deliveries.append(delivery)
        delivery.add_done_callback(self._deliveries.remove)
        return delivery

    async def _deliver(self, name: str, host: Host, command: Command) -> Outcome | None:
        await asyncio.sleep(self.chance.expovariate(1 / 0.004))
        if self.chance.random() < 0.01:
            await asyncio.sleep(self.chance.uniform(0.5, 3))  # it went a long way
        outcome = await host.execute(command)
        self.note(host.name, "to", name, command, outcome)
        return None if self.chance.random() < 0.01 else outcome

    # Mishaps.

    async def _trouble(self, host: Host) -> None:
        """A host crashes, is restarted, or has its clock set."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / 3))
            what = self.chance.choice(("crash", "crash", "leave", "clock"))
            self.note(host.name, what)
            if what == "clock":
                host.clock.skew = self._skew()
                continue
            await (host.crash() if what == "crash" else host.leave())
            await asyncio.sleep(self.chance.expovariate(1 / 0.5))
            await host.start()

    def _skew(self) -> timedelta:
        """Mostly a small one; now and then a clock is set to a year that is far off."""
        if self.chance.random() < 0.2:
            return timedelta(days=400)
        return timedelta(seconds=self.chance.uniform(-200, 120))

    async def _outages(self) -> None:
        """The log is out of reach for all."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / 8))
            self.note("log", "down")
            self.faults.log_is_down = True
            await asyncio.sleep(self.chance.uniform(0.05, 1))
            self.faults.log_is_down = False
            self.note("log", "up")


def told(what: object) -> str:
    """A command or an answer in a line of the trace."""
    match what:
        case Command():
            return f"{named(what)}:"
        case None:
            return "unknown"
        case Recorded():
            return f"{'replayed' if what.replayed else 'recorded'} at {what.position}"
        case Refusal():
            return f"refused, {what.reason}"
        case _:
            return str(what)


@contextmanager
def small_and_quiet() -> Iterator[None]:
    """A writer that uses its lanes for little, and keeps no record of a bad day."""
    logging.disable(logging.CRITICAL)
    worth_a_lane, writer.WORTH_A_LANE = writer.WORTH_A_LANE, 2  # type: ignore[misc]
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        writer.WORTH_A_LANE = worth_a_lane  # type: ignore[misc]


def simulate(settings: Settings) -> Report:
    """One run on a loop of its own.

    Raises:
        ViolationError: with the trace's last lines as its notes.
    """

    async def main() -> Report:
        simulation = Simulation(settings)
        try:
            return await simulation.run()
        except ViolationError as e:
            e.add_note(simulation.trace)
            raise

    with small_and_quiet(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
