"""A program that is busy with a scratch ledger in FOLDER, itself and a worker, for long.

    python -m tests.loadtests.leaver FOLDER

It prints the pids of its database and of its worker when both are at work.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from loadtests import scratch
from loadtests.leaving import tidy_when_told_to_go

BUSY = 100  # seconds; far more than it takes to leave
FAST = {"fsync": "off", "shared_buffers": "16MB"}


def main(folder: Path) -> None:
    """Open, report, wait to be told to go."""
    scratch.VAR = folder
    with (
        tidy_when_told_to_go(),
        scratch.scratch_ledger(settings=FAST) as ledger,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        worker = pool.submit(os.getpid).result()
        busy = pool.submit(time.sleep, BUSY)
        print(ledger.server and ledger.server.pid, worker, flush=True)
        busy.result()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
