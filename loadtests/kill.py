"""`python -m loadtests.kill`: SIGKILL under load, and then the books.

Three times the database, three times the service; and three times a database that acknowledges
before its commits are durable: there the check has to find losses, or it could not find any.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from enum import StrEnum, unique
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.postgres import Database
from loadtests.books import read_books
from loadtests.check import Verdict, check, compare
from loadtests.crowd import Crowd, Tickets, at_work
from loadtests.following import following
from loadtests.history import History, read_history
from loadtests.leaving import tidy_when_told_to_go
from loadtests.processor import children
from loadtests.scratch import VAR, Scratch, scratch_ledger
from loadtests.seeding import seed
from loadtests.service import Service, running_service

FOLDER = VAR / "kill"
CARNET_TICKETS = 5
CARNETS_A_SECOND = 800  # more than the crowd uses up
RECOVERY = 60.0  # seconds for the next acknowledgement after a kill


@unique
class Target(StrEnum):
    """What is killed."""

    DATABASE = "database"
    SERVICE = "service"
    CONTROL = "control"  # the database, which this time does not wait for its disk


class NoRecoveryError(RuntimeError):
    """Nothing was acknowledged any more after a kill."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the kills of one target led to."""

    target: Target
    kills: int
    longest_pause: float  # seconds from a kill to the next acknowledgement
    verdict: Verdict

    @property
    def as_expected(self) -> bool:
        """Nothing lost and nothing open; in the control, something lost."""
        if self.target is Target.CONTROL:
            return bool(self.verdict.lost)
        return self.verdict.holds and not self.verdict.unanswered

    def lines(self) -> Iterator[str]:
        """What to publish."""
        expected = "as expected" if self.as_expected else "NOT as expected"
        yield f"{self.target}, killed {self.kills} times, {expected}"
        yield f"  the longest pause was {self.longest_pause:.1f} s"
        yield from (f"  {line}" for line in self.verdict.lines())


def kill_rounds(target: Target, rounds: int, seconds: float, folder: Path) -> Outcome:
    """Kill `target` after each `seconds` of load; keep the history in `folder`, and audit it.

    Raises:
        NoRecoveryError: the load does not go on after a kill.
        CrowdError: a terminal is left without an answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target}.jsonl"
    with ExitStack() as running:
        ledger = running.enter_context(scratch_ledger())
        if target is Target.CONTROL:
            ledger = replace(ledger, database=acknowledging_early(ledger.database))
        carnets = int(CARNETS_A_SECOND * rounds * (seconds + 2))
        seeded = seed(ledger, carnets, CARNET_TICKETS)
        service = running.enter_context(running_service(ledger, folder / f"{target}.log"))
        if target is not Target.CONTROL:  # read models could not follow a log that shrinks
            running.enter_context(following(ledger.database))
        with History(path) as history:
            tickets = Tickets(seeded.carnets)
            crowd = Crowd(service.authority, seeded.devices, tickets, history)
            with at_work(crowd):
                pauses = [
                    _kill_under_load(crowd, seconds, lambda: _kill(target, ledger, service))
                    for _ in range(rounds)
                ]
                time.sleep(seconds)
        verdict = (
            compare(read_history(path), read_books(ledger.database))
            if target is Target.CONTROL
            else check(ledger.database, path)
        )
        return Outcome(target, rounds, max(pauses), verdict)


def acknowledging_early(database: Database) -> Database:
    """The database with a writer that does not wait for the disk: it asks so when it connects."""
    options = conninfo_to_dict(database.writer)["options"]
    early = make_conninfo(database.writer, options=f"{options} -c synchronous_commit=off")
    return replace(database, writer=early)


def _kill(target: Target, ledger: Scratch, service: Service) -> None:
    if target is Target.SERVICE:
        service.kill()
        service.start()
    elif ledger.server is not None and (pid := ledger.server.pid) is not None:
        kill_postgres(pid)  # whoever keeps the server up starts it again


def kill_postgres(postmaster: int) -> None:
    """Kill it with all of its processes, at one moment as far as they can tell."""
    os.kill(postmaster, signal.SIGSTOP)  # so that it neither replaces them nor tidies up
    for child in children(postmaster):
        os.kill(child, signal.SIGKILL)
    os.kill(postmaster, signal.SIGKILL)


def _kill_under_load(crowd: Crowd, seconds: float, kill: Callable[[], None]) -> float:
    """Return how long the load then stood still."""
    _wait_for_more(crowd)
    time.sleep(seconds)
    began = time.monotonic()
    kill()
    _wait_for_more(crowd)
    return time.monotonic() - began


def _wait_for_more(crowd: Crowd) -> None:
    """Until there are more acknowledgements than may have been on their way."""
    before, until = crowd.acknowledged, time.monotonic() + RECOVERY
    while crowd.acknowledged <= before + crowd.size:
        if time.monotonic() > until:
            raise NoRecoveryError(f"{crowd.acknowledged} acknowledged, then nothing")
        time.sleep(0.01)


def main() -> None:
    """Kill, audit, print; leave with 1 unless all is as expected."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.kill",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="kills of each target (default 3)"
    )
    parser.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="of load before each (default 3)"
    )
    parser.add_argument(
        "--only",
        type=Target,
        nargs="+",
        choices=list(Target),
        metavar="TARGET",
        help=f"kill just these: {', '.join(Target)}",
    )
    told = parser.parse_args()
    outcomes = []
    with tidy_when_told_to_go():
        for target in told.only or Target:
            outcome = kill_rounds(target, told.rounds, told.seconds, FOLDER)
            print(*outcome.lines(), sep="\n", flush=True)
            outcomes.append(outcome)
    found = {outcome.target: asdict(outcome) for outcome in outcomes}
    (FOLDER / "outcome.json").write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if all(outcome.as_expected for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
