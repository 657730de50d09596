"""`./run bench`: what the machine makes of the service, next to what else it could do.

All of it on one database server, round by round, so that a machine that slows down slows down
everything alike; of the rounds the medians count.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from ledger.settings import WORKERS
from loadtests.leaving import tidy_when_told_to_go
from loadtests.measuring import Round, ready_bench
from loadtests.plan import CARNET_TICKETS, Part, Plan, full_plan, quick_plan
from loadtests.report import show
from loadtests.scratch import VAR, scratch_ledger
from loadtests.summary import summary, write

RESULT = VAR / "bench.json"
WIDTH = 130  # of the table in a file
LIMIT_SECONDS = 350  # no round is begun that would end later if it were as long as the longest
SETTINGS = {"max_connections": "200"}  # for pgbench's 64 clients beside everything else


def main() -> None:
    """Measure, print the table, write the JSON."""
    told = _arguments()
    plan = quick_plan(told.rounds or 1) if told.quick else full_plan(told.rounds or 5)
    plan = plan.only(told.only or list(Part))
    progress = Progress(Console(stderr=True))
    with tidy_when_told_to_go(), progress.shown():
        rounds = _measure(plan, told.workers, progress)
    found = summary(rounds, os.cpu_count() or 1, told.workers, progress.seconds)
    if not told.only:
        write(told.json, found)
    console = Console()
    show(console if console.is_terminal else Console(width=WIDTH), found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds",
        type=int,
        choices=range(1, CARNET_TICKETS + 1),
        metavar="N",
        help=f"of which medians count, at most {CARNET_TICKETS} (default 5, with --quick 1)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small rounds, which show that the bench runs"
    )
    parser.add_argument(
        "--only",
        type=Part,
        nargs="+",
        choices=list(Part),
        metavar="PART",
        help=f"measure and print just these, write no JSON: {', '.join(Part)}",
    )
    parser.add_argument(
        "--workers",
        type=_some,
        default=WORKERS,
        metavar="N",
        help="processes of the service, as of `run serve --workers N`, and of what it is compared"
        f" with (default {WORKERS})",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=RESULT,
        metavar="FILE",
        help="where to write the figures (default var/bench.json)",
    )
    return parser.parse_args()


def _some(text: str) -> int:
    """A number of at least one."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


class Progress:
    """What is being done, and since when: a line that changes, or in a file a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("starting PostgreSQL")
        self._began = time.monotonic()
        self.round = ""

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keep the line on a terminal for the length of a block."""
        with self._status:
            yield

    def say(self, what: str) -> None:
        """Show what is done now."""
        line = f"{self.seconds:4.0f} s  {self.round}{what}"
        if self._console.is_terminal:
            self._status.update(line)
        else:
            self._console.print(line)

    def remark(self, what: str) -> None:
        """Say what stays true."""
        self._console.print(what)


def _measure(plan: Plan, workers: int, progress: Progress) -> list[Round]:
    """As many rounds as there is time for, one at least."""
    rounds: list[Round] = []
    longest = 0.0
    with (
        scratch_ledger(os.environ.get("SOUCHE_DATABASE_URL"), SETTINGS) as ledger,
        ready_bench(ledger, plan, workers, progress.say) as bench,
    ):
        for number in range(1, plan.rounds + 1):
            progress.round = f"round {number} of {plan.rounds}: "
            before = progress.seconds
            rounds.append(bench.round(number))
            longest = max(longest, progress.seconds - before)
            if progress.seconds + longest > LIMIT_SECONDS and number < plan.rounds:
                progress.remark(f"Time is up after {number} rounds of {plan.rounds}.")
                break
    return rounds


if __name__ == "__main__":
    main()
