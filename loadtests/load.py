"""`./run load`: terminals in locust, then an audit of the books. Leaves with 1 if either fails.

By itself it makes a ledger to throw away and serves it. With --host it loads a service that runs
already, whose ledger is in --data: carnets and terminals are added to that ledger for good.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.postgres import open_database
from loadtests.check import check
from loadtests.following import following
from loadtests.leaving import tidy_when_told_to_go
from loadtests.scratch import VAR, Scratch, scratch_ledger
from loadtests.seeding import Seeded, seed, write_seeded
from loadtests.service import running_service
from loadtests.serving import ROOT

FOLDER = VAR / "load"
CARNET_TICKETS = 5
TICKETS_A_SECOND = 15  # more than a user takes
STOP_SECONDS = 20  # for the last answers


def load(users: int, seconds: int, host: str | None, data: Path | None, folder: Path) -> bool:
    """Run locust, audit the books, print both; return whether both are well.

    Raises:
        RefusedError: the ledger can't be seeded.
        ServingError: our own service does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    history = folder / "history.jsonl"
    with _target(host, data) as (ledger, at):
        carnets = users * seconds * TICKETS_A_SECOND // CARNET_TICKETS + users
        print(f"seeding {carnets} carnets and {users} terminals", flush=True)
        seeded = seed(ledger, carnets, CARNET_TICKETS, terminals=users)
        well = _run_locust(at, users, seconds, seeded, history)
        verdict = check(ledger.database, history)
    print(*verdict.lines(), sep="\n")
    return well and verdict.holds and not verdict.unanswered


@contextmanager
def _target(host: str | None, data: Path | None) -> Iterator[tuple[Scratch, str]]:
    """The ledger to load, and where it is served."""
    if host and data:
        with open_database(data) as database:
            yield Scratch(data, database, None), host
        return
    with (
        scratch_ledger(os.environ.get("SOUCHE_DATABASE_URL")) as ledger,
        running_service(ledger) as service,
        following(ledger.database),
    ):
        yield ledger, f"http://{service.authority}"


def _run_locust(host: str, users: int, seconds: int, seeded: Seeded, history: Path) -> bool:
    """Locust prints its own table; return whether it counts no failure."""
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary"]
    command += [f"--locustfile={ROOT / 'loadtests/locustfile.py'}", f"--host={host}"]
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
    parser.add_argument("--users", type=int, default=50, help="terminals, each with its own key")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--host", help="http://127.0.0.1:8080")
    parser.add_argument("--data", type=Path, help="the data folder of the service at --host")
    told = parser.parse_args()
    if (told.host is None) != (told.data is None):
        parser.error("--host and --data go together")
    with tidy_when_told_to_go():
        well = load(told.users, told.seconds, told.host, told.data, FOLDER)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
