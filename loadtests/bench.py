"""`./run bench`: what the machine makes of the service, next to what else it could do.

All of it on one database server, round by round, so that a machine that slows down slows down
everything alike; of the rounds the medians count.
"""

import argparse
import os
import time
from pathlib import Path

from rich.console import Console

from loadtests.measuring import Round, ready_bench
from loadtests.plan import CARNET_TICKETS, Part, full_plan, quick_plan
from loadtests.report import show, summary, write
from loadtests.scratch import VAR, scratch_ledger

RESULT = VAR / "bench.json"
WIDTH = 130  # of the table in a file
LIMIT_SECONDS = 350  # a round that would end later is not begun
SETTINGS = {"max_connections": "200"}  # for pgbench's 64 clients beside everything else


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="run bench", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, choices=range(1, CARNET_TICKETS + 1), help="of which medians count"
    )
    parser.add_argument("--quick", action="store_true", help="one small round, to try the bench")
    parser.add_argument(
        "--only",
        type=Part,
        nargs="+",
        choices=list(Part),
        metavar="PART",
        help=f"print just these, write no JSON: {', '.join(Part)}",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes of the service; else 1")
    parser.add_argument("--json", type=Path, default=RESULT, help="where to write the figures")
    told = parser.parse_args()
    plan = quick_plan(told.rounds or 1) if told.quick else full_plan(told.rounds or 5)
    plan = plan.only(told.only or list(Part))
    began = time.monotonic()
    errors = Console(stderr=True)
    with errors.status("starting PostgreSQL") as status:
        doing = ""

        def say(what: str) -> None:
            line = f"{time.monotonic() - began:4.0f} s  {doing}{what}"
            if errors.is_terminal:
                status.update(line)
            else:
                errors.print(line)

        with (
            scratch_ledger(os.environ.get("SOUCHE_DATABASE_URL"), SETTINGS) as ledger,
            ready_bench(ledger, plan, told.workers, say) as bench,
        ):
            rounds: list[Round] = []
            for number in range(1, plan.rounds + 1):
                doing = f"round {number} of {plan.rounds}: "
                before = time.monotonic()
                rounds.append(bench.round(number))
                now = time.monotonic()
                if now - began + (now - before) > LIMIT_SECONDS and number < plan.rounds:
                    errors.print(f"Time is up after {number} rounds of {plan.rounds}.")
                    break
    found = summary(rounds, os.cpu_count() or 1, time.monotonic() - began)
    if not told.only:
        write(told.json, found)
    console = Console()
    show(console if console.is_terminal else Console(width=WIDTH), found)


if __name__ == "__main__":
    main()
