"""The process that follows the log: killed at any moment, and gone with its parent."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from ledger.postgres import Database
from projections.balances import trial_balance
from projections.payouts import list_payouts
from projections.process import start_projections
from tests.builders.facts import redeemed
from tests.projections.appending import Appender
from tests.projections.bulk import AMOUNT_CENTS, redemptions
from tests.projections.reading import ask, check, lag_of, wait_until

PARENT = """
import sys, msgspec
from ledger.postgres import Database
from projections.process import start_projections
child = start_projections(msgspec.json.decode(sys.stdin.buffer.readline(), type=Database))
print(child.pid, flush=True)
sys.stdin.read()
"""


@contextmanager
def process(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    with start_projections(database) as child:
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_each_event_counts_once_however_often_it_is_killed(
    ledger: Database, appender: Appender, kills: int
) -> None:
    """Events go on arriving; the process is killed while it works through a page."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    delays = random.Random(seed)
    for _ in range(kills):
        with process(ledger) as child:
            wait_until_led(ledger)
            killed_at = time.monotonic() + delays.uniform(0.05, 1)
            while time.monotonic() < killed_at:
                appender.append(*redemptions(appender.size + 1, 200))
            child.send_signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL

    with process(ledger):
        wait_until(ledger, appender.size)

    payouts = ask(ledger, list_payouts)
    assert sum(payout.redeemed_tickets for payout in payouts) == 2 * appender.size
    assert sum(payout.owed_cents for payout in payouts) == AMOUNT_CENTS * appender.size
    assert ask(ledger, trial_balance).postings == 2 * appender.size
    assert check(ledger) == []


def wait_until_led(database: Database) -> None:
    """The last one's connection may take a moment to go."""
    deadline = time.monotonic() + 30
    while (found := lag_of(database, "balances")).state != "following":
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_it_stops_when_it_is_asked_to(ledger: Database, appender: Appender) -> None:
    with process(ledger) as child:
        wait_until(ledger, appender.append(redeemed(1)))
        child.terminate()
        assert child.wait(timeout=10) == 0

    assert lag_of(ledger, "balances").state == "unattended"


@pytest.mark.parametrize("ending", ["the pipe", "the parent"])
def test_it_ends_with_its_parent(ledger: Database, ending: str) -> None:
    command = [sys.executable, "-c", PARENT]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(msgspec.json.encode(ledger) + b"\n")
        parent.stdin.flush()
        child = int(parent.stdout.readline())
        wait_until_led(ledger)
        parent.kill() if ending == "the parent" else parent.stdin.close()
        parent.wait(timeout=10)
    deadline = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether the process does anything yet: its new parent may not have buried it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or ") Z " not in status.read_text()


def test_the_connection_string_is_not_on_the_command_line(ledger: Database) -> None:
    with process(ledger) as child:
        if Path("/proc/self/cmdline").exists():
            assert b"password" not in Path(f"/proc/{child.pid}/cmdline").read_bytes()
