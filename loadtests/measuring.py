"""One bench: all that is compared, side by side on one database server, and a round of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from loadtests.claims import batch_requests, requests
from loadtests.comparing import Comparison, comparison
from loadtests.following import following, lag_seconds
from loadtests.inprocess import FIVES, LARGEST, Work, measure
from loadtests.machine import sample, shares
from loadtests.online import Figures, Probe
from loadtests.pgbench import insert_rate, insert_table
from loadtests.plan import BATCH_CLAIMS, CARNET_TICKETS, Blocks, Part, Plan
from loadtests.scratch import Scratch
from loadtests.seeded import Seeded
from loadtests.seeding import seed
from loadtests.service import running_service

Say = Callable[[str], None]
Round = dict[str, Any]  # by measurement, then by connections, clients or batch size

CONNECTIONS = 64  # to warm up with, and to compare with
LONG = 30  # seconds, for what shall end with its requests


@contextmanager
def ready_bench(ledger: Scratch, plan: Plan, workers: int, say: Say) -> Iterator["Bench"]:
    """Seed the ledger, start and warm up all that is compared, for the length of a block."""
    say(f"seeding {plan.carnets} carnets")
    seeded = seed(ledger, plan.carnets, CARNET_TICKETS)
    with ExitStack() as running:
        running.enter_context(insert_table(ledger.database.owner))
        probe = Probe(ledger, running.enter_context(running_service(ledger, workers=workers)))
        say("seeding what it is compared with")
        comparisons = {
            name: running.enter_context(comparison(name, ledger, carnets, workers))
            for name, carnets in plan.comparisons.items()
        }
        bench = Bench(plan, say, seeded, probe, comparisons)
        bench.warm_up()
        yield bench


class Bench:
    """Measures round by round. In round n the n-th ticket of each carnet is redeemed."""

    def __init__(
        self,
        plan: Plan,
        say: Say,
        seeded: Seeded,
        probe: Probe,
        comparisons: dict[str, Comparison],
    ) -> None:
        self._plan = plan
        self._say = say
        self._devices = seeded.devices
        self._probe = probe
        self._ledger = probe.ledger
        self._comparisons = comparisons
        self._blocks = blocks = Blocks(seeded.carnets)
        self._online = blocks.take_all(plan.online)
        self._followed = blocks.take_all(plan.followed)
        self._batch = blocks.take_all(plan.batch)
        self._writer = blocks.take_all(plan.writer)
        self._warm_writer = blocks.take(plan.warm_up)
        self._warm_service = blocks.take(plan.warm_up)

    def warm_up(self) -> None:
        """Let every process load what it loads late."""
        self._say("warming up")
        self._redeem(self._warm_service, 1, CONNECTIONS, LONG)
        for each in self._comparisons.values():
            each.warm_up()

    def round(self, number: int) -> Round:
        """All measurements of the plan, once.

        What the machine did meanwhile is among the figures, or where these are single numbers,
        by the same names under "machine".
        """
        found: Round = {}
        machine: Round = {}
        for part, measure_part in (
            (Part.INSERT, self._insert),
            (Part.WRITER, self._in_process),
            (Part.ONLINE, self._online_round),
            (Part.FOLLOWED, self._followed_round),
            (Part.BATCH, self._batch_round),
            (Part.COMPARISONS, self._compare),
        ):
            if part in self._plan.parts:
                figures = measure_part(number)
                machine |= figures.pop("machine", {})
                found |= figures
        return {**found, "machine": machine} if sample() else found

    def _insert(self, _: int) -> Round:
        self._say("pgbench")
        program, database = self._ledger.pgbench, self._ledger.database.owner
        seconds = self._plan.pgbench_seconds
        rates, machine = {}, {}
        for clients in self._plan.pgbench:
            before = sample()
            rate = insert_rate(program, database, clients=clients, seconds=seconds)
            rates[str(clients)], machine[str(clients)] = rate, shares(before, sample())
        return {"insert": rates, "machine": {"insert": machine}}

    def _in_process(self, number: int) -> Round:
        self._say("the writer in process")
        work = Work(
            database=self._ledger.database,
            folder=self._ledger.folder,
            devices=self._devices,
            ticket=number,
            warm_up=self._warm_writer,
            singles=self._writer,
            whole=self._blocks.take(self._plan.whole),
            fives=self._blocks.take(self._plan.fives),
        )
        measured = measure(work)
        fives = {str(LARGEST): measured.rates.pop(FIVES)}
        machine_fives = {str(LARGEST): measured.machine.pop(FIVES)}
        return {
            "writer": measured.rates,
            "writer_fives": fives,
            "writer_cpu_us": measured.cpu_us,
            "machine": {"writer": measured.machine, "writer_fives": machine_fives},
        }

    def _online_round(self, number: int) -> Round:
        """Also what one redemption of one ticket adds to the log on disk, indexes included."""
        before, size = self._probe.log_bytes(), self._probe.log_size()
        online = {
            str(connections): self._redeem(carnets, number, connections)
            for connections, carnets in self._online.items()
        }
        added, redeemed = self._probe.log_bytes() - before, self._probe.log_size() - size
        return {"online": online, "bytes_per_redemption": added / redeemed}

    def _followed_round(self, number: int) -> Round:
        """With the projections beside it, once they have caught up with all that was seeded."""
        self._say("catching up")
        with following(self._ledger.database) as follower:
            before = sample()
            found: Round = {"catch_up_per_second": follower.catch_up(), "online_followed": {}}
            found["machine"] = {"catch_up_per_second": shares(before, sample())}
            for connections, carnets in self._followed.items():
                with follower.watched():
                    figures = self._redeem(carnets, number, connections)
                found["online_followed"][str(connections)] = figures
                found["lag_seconds"] = lag_seconds(follower.looks)
        return found

    def _redeem(
        self, carnets: list[str], ticket: int, connections: int, seconds: int | None = None
    ) -> Figures:
        self._say(f"{connections} connections")
        return self._probe.measure(
            requests(self._probe.service, self._devices, carnets, ticket),
            connections=connections,
            seconds=seconds or self._plan.seconds,
        )

    def _batch_round(self, number: int) -> Round:
        self._say(f"batches of {BATCH_CLAIMS}")
        service = self._probe.service
        return {
            "batch": {
                str(connections): self._probe.measure(
                    batch_requests(service, self._devices, carnets, number, BATCH_CLAIMS),
                    connections=connections,
                    seconds=self._plan.seconds,
                    claims=BATCH_CLAIMS,
                )
                for connections, carnets in self._batch.items()
            }
        }

    def _compare(self, number: int) -> Round:
        found: Round = {}
        for name, each in self._comparisons.items():
            self._say(name)
            figures = each.measure(number, connections=CONNECTIONS, seconds=self._plan.seconds)
            found[name] = {str(CONNECTIONS): figures}
        return found
