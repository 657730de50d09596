"""`./run load`: terminals in locust, then an audit of the books. Leaves with 1 if either fails.

By itself it makes a ledger to throw away and serves it. With --host it loads a service that runs
already, whose ledger is in --data: carnets and terminals are added to that ledger for good. Nobody
else may use it meanwhile, since the audit wants a log that stands still.
"""

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtests.check import Verdict, check
from loadtests.history import Redeemed, Told, read_history
from loadtests.leaving import tidy_when_told_to_go
from loadtests.scratch import VAR
from loadtests.seeded import Seeded, write_seeded
from loadtests.seeding import seed
from loadtests.serving import ROOT
from loadtests.targets import (
    Running,
    UnloadableError,
    already_running,
    authority_of,
    our_own,
    try_session,
)

FOLDER = VAR / "load"
CARNET_TICKETS = 5
TICKETS_A_SECOND = 15  # more than a user takes
STOP_SECONDS = 20  # for the last answers


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a load came to."""

    seconds: int
    answered_right: bool  # locust counted no failure, and no answer that has to be another one
    told: Told
    verdict: Verdict

    @property
    def well(self) -> bool:
        """Whether every terminal was answered as it should be, and the books say so, too."""
        return not any(self._faults())

    def lines(self) -> Iterator[str]:
        """What to publish."""
        receipts, refused = self.told.receipts, Counter(self.told.refused.values())
        redeemed = sum(isinstance(each, Redeemed) for each in receipts.values())
        rate = redeemed / self.seconds
        yield (
            f"{redeemed} redeemed, {rate:.0f} a second; {len(receipts) - redeemed} voided; "
            f"{refused.total()} refused"
        )
        yield from (f"  {count} × {reason}" for reason, count in refused.most_common())
        yield "the books:"
        yield from (f"  {line}" for line in self.verdict.lines())
        if faults := list(self._faults()):
            yield f"NOT well: {'; '.join(faults)}"
        else:
            yield "all well: every answer was right, and the books confirm every receipt"

    def _faults(self) -> Iterator[str]:
        if not self.answered_right:
            yield "there were failures or wrong answers, see above"
        if not self.told.receipts:
            yield "nothing was acknowledged"
        if self.verdict.unanswered:
            yield "somebody was left without an answer"
        if not self.verdict.holds:
            yield "the books and what terminals were told differ"


def load(users: int, seconds: int, target: Running | None, folder: Path) -> Outcome:
    """Run locust, which prints its own table; then audit the books.

    Raises:
        UnloadableError: `target` is not what we were told that it is.
        RefusedError: the ledger can't be seeded.
        ServingError: our own service does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    history = folder / "history.jsonl"
    with already_running(target) if target else our_own() as (ledger, authority):
        carnets = users * seconds * TICKETS_A_SECOND // CARNET_TICKETS + users
        print(f"seeding {carnets} carnets and {users} terminals", flush=True)
        seeded = seed(ledger, carnets, CARNET_TICKETS, terminals=users)
        try_session(authority, seeded.devices[0], history)
        right = _run_locust(authority, users, seconds, seeded, history)
        verdict = check(ledger.database, history)
    return Outcome(seconds, right, read_history(history), verdict)


def _run_locust(authority: str, users: int, seconds: int, seeded: Seeded, history: Path) -> bool:
    """Return whether it counts neither failures nor wrong answers."""
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary"]
    command += [f"--locustfile={ROOT / 'loadtests/locustfile.py'}", f"--host=http://{authority}"]
    command += [f"--users={users}", f"--spawn-rate={users}", f"--run-time={seconds}s"]
    command += [f"--stop-timeout={STOP_SECONDS}", "--loglevel=WARNING"]
    with TemporaryDirectory() as private:
        path = Path(private) / "seeded.json"
        write_seeded(path, seeded)
        told = {"LOADTEST_SEEDED": str(path), "LOADTEST_HISTORY": str(history)}
        environment = {**os.environ, **told, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, env=environment, check=False).returncode == 0


def main() -> None:
    """Load and audit."""
    parser = argparse.ArgumentParser(
        prog="run load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--users",
        type=int,
        default=50,
        metavar="N",
        help="terminals, each with its own key (default 50)",
    )
    parser.add_argument("--seconds", type=int, default=30, metavar="S", help="of load (default 30)")
    parser.add_argument(
        "--host",
        type=authority_of,
        metavar="URL",
        help="where a service runs: http://127.0.0.1:8080",
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="its data folder: var/ledger")
    told = parser.parse_args()
    if (told.host is None) != (told.data is None):
        parser.error("--host and --data go together")
    target = Running(told.host, told.data) if told.host else None
    try:
        with tidy_when_told_to_go():
            outcome = load(told.users, told.seconds, target, FOLDER)
    except UnloadableError as e:
        sys.exit(f"run load: {e}")
    print(*outcome.lines(), sep="\n")
    sys.exit(0 if outcome.well else 1)


if __name__ == "__main__":
    main()
