"""Several processes redeem the same tickets at once: who wins, what the losers are told.

    python -m tests.ledger.four_processes [--processes 4] [--carnets 1000]

runs it on a database of its own, which waits for the disk, and prints the figures.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from time import monotonic

import msgspec

from ledger.application import Ledger
from ledger.batch import Recorded
from ledger.decisions.redemption import RedeemTickets
from ledger.decisions.stock import AssignTickets
from ledger.facts import TicketsRedeemed
from ledger.postgres import Database, open_database
from ledger.values.reasons import Refusal
from ledger.writer import Writer
from tests.ledger.writing import CHANNEL, SIZE, carry_out, claim, in_circulation, store_on, writing


class Task(msgspec.Struct):
    """What one process is to do: redeem every ticket, in an order of its own."""

    name: str
    database: Database
    carnets: int


class Told(msgspec.Struct):
    """What one process was told."""

    won: dict[str, int] = {}  # claim → position
    refused: dict[str, int] = {}  # reason → how often
    seconds: float = 0.0


class Race(msgspec.Struct):
    """What all of them were told, and what an auditor reads."""

    told: list[Told]
    positions: list[int]  # of all there is in the log, in its order
    redeemed: list[tuple[int, str, str, int]]  # position, claim, carnet, ticket

    @property
    def winners(self) -> int:
        return sum(len(each.won) for each in self.told)

    @property
    def refused(self) -> Counter[str]:
        return Counter(chain.from_iterable(Counter(each.refused).elements() for each in self.told))

    @property
    def misplaced(self) -> set[int | None]:
        """Where a position has no event, or more than one."""
        wanted = range(1, len(self.positions) + 1)
        return {at for at, found in zip(wanted, self.positions, strict=True) if at != found}

    @property
    def untrue(self) -> set[tuple[str, int]]:
        """Claims whose answer and whose event are not at the same position."""
        answered = {item for each in self.told for item in each.won.items()}
        return answered ^ {(claim_id, position) for position, claim_id, _, _ in self.redeemed}

    @property
    def redeemed_twice(self) -> int:
        return len(self.redeemed) - len({(carnet, n) for _, _, carnet, n in self.redeemed})

    @property
    def verdicts_per_second(self) -> float:
        return sum(len(t.won) + sum(t.refused.values()) for t in self.told) / max(
            each.seconds for each in self.told
        )


def race(database: Database, processes: int, carnets: int) -> Race:
    """Put tickets into circulation, let all redeem them at once, read the log."""
    asyncio.run(_prepare(database, carnets))
    told = _in_processes([Task(f"{n}", database, carnets) for n in range(processes)])
    found = Race(told, [], [])
    with Ledger.on(database.projector, CHANNEL) as ledger:
        for each in ledger.read():
            position, event = each.position or 0, each.event
            found.positions.append(position)
            if isinstance(fact := event.fact, TicketsRedeemed):
                taken = ((position, event.command_id, event.stream, n) for n in fact.tickets)
                found.redeemed.extend(taken)
    return found


async def _prepare(database: Database, carnets: int) -> None:
    async with writing(store_on(database)) as writer:
        assignments = []
        for command in in_circulation(carnets):
            if isinstance(command, AssignTickets):
                assignments.append(writer.submit(command))
            else:
                await carry_out(writer, [command])
        await asyncio.gather(*assignments)


def _in_processes(tasks: list[Task]) -> list[Told]:
    command = [sys.executable, "-m", "tests.ledger.four_processes", "--as-told"]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            for _ in tasks
        ]
        for process, task in zip(started, tasks, strict=True):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(msgspec.json.encode(task) + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"ready\n"
        for process in started:  # all at once, when all are ready
            assert process.stdin is not None
            process.stdin.close()
        return [msgspec.json.decode(p.stdout.read(), type=Told) for p in started if p.stdout]


async def _work(task: Task) -> Told:
    tickets = [(n, number) for number in range(1, task.carnets + 1) for n in range(1, SIZE + 1)]
    random.Random(task.name).shuffle(tickets)
    claims = [claim(n, number, of=task.name) for n, number in tickets]
    told, room = Told(), asyncio.Semaphore(task.carnets // 4)  # claims that wait at once
    async with writing(store_on(task.database)) as writer:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)
        began = monotonic()
        async with asyncio.TaskGroup() as group:
            for command in claims:
                await room.acquire()
                redeeming = group.create_task(_redeem(writer, command, told))
                redeeming.add_done_callback(lambda _: room.release())
        told.seconds = monotonic() - began
    return told


async def _redeem(writer: Writer, command: RedeemTickets, told: Told) -> None:
    outcome = await writer.execute(command)
    if isinstance(outcome, Recorded):
        told.won[command.command_id] = outcome.position
    elif isinstance(outcome, Refusal):
        told.refused[outcome.reason] = told.refused.get(outcome.reason, 0) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--carnets", type=int, default=1_000, help="of five tickets")
    parser.add_argument("--as-told", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.as_told:
        task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
        sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_work(task))))
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's account reaches it when we are root
        with open_database(Path(folder) / "ledger") as database:
            found = race(database, asked.processes, asked.carnets)
    print(f"{asked.processes} processes redeemed the same {asked.carnets * SIZE} tickets")
    print(f"  winners               {found.winners}")
    for reason, times in found.refused.items():
        print(f"  {reason:<21} {times}")
    print(f"  redeemed twice        {found.redeemed_twice}")
    print(f"  untrue answers        {len(found.untrue)}")
    print(f"  events in the log     {len(found.positions)}")
    print(f"  gaps and repeats      {len(found.misplaced)}")
    print(f"  verdicts a second     {found.verdicts_per_second:.0f}")


if __name__ == "__main__":
    main()
