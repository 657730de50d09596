"""The database dies under the read models: what they lost of their work they do again."""

import os
import random
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest

from ledger.postgres import Database, PostgresServer
from ledger.postgres.database import prepare_embedded
from ledger.postgres.roles import Roles
from projections.balances import trial_balance
from projections.runner import run_projections
from projections.schema import prepare_read_models
from tests.projections.bulk import copy_in, redemptions
from tests.projections.reading import ask, check, wait_until

CRASHES = 4
EVENTS = 20_000  # before each


@pytest.mark.slow
def test_the_database_is_killed_under_the_runner(server_folder: Path) -> None:
    """The projector doesn't wait for the disk, so a crash takes back what it did last."""
    delays = random.Random(7)
    stop = threading.Event()
    with PostgresServer(server_folder / "crashing", settings={"fsync": "off"}) as server:
        ledger = prepare_embedded(server, Roles())
        prepare_read_models(ledger)
        runner = threading.Thread(target=run_projections, args=(ledger, stop))
        runner.start()
        try:
            size = 0
            for _ in range(CRASHES):
                size = copy_in(ledger, redemptions(size + 1, EVENTS))
                time.sleep(delays.uniform(0, 0.5))
                crash(server, ledger)
            wait_until(ledger, size, seconds=60)
        finally:
            stop.set()
            runner.join()

        assert ask(ledger, trial_balance).postings == 2 * CRASHES * EVENTS
        assert check(ledger) == []


def crash(server: PostgresServer, database: Database) -> None:
    """Kill the server; return when its keeper has started it again."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        time.sleep(0.1)
        try:
            psycopg.connect(database.writer).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
        else:
            return
