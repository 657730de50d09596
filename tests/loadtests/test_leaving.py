"""Told to go, a program that holds a scratch ledger leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loadtests.leaving import NUMBERS, tidy_when_told_to_go
from loadtests.serving import ROOT

SOON = 60  # seconds, on a machine that does other things; its worker is busy for longer


@pytest.mark.parametrize("number", NUMBERS)
def test_a_program_that_is_told_to_go_tidies_up(
    number: signal.Signals, server_folder: Path
) -> None:
    folder = server_folder / f"var {number.name}"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.loadtests.leaver", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        pids = [int(pid) for pid in program.stdout.readline().split()]
        assert len(pids) == 2
        assert len(list(folder.iterdir())) == 1
        began = time.monotonic()
        program.send_signal(number)
        program.send_signal(number)  # somebody is impatient
        program.communicate(timeout=SOON)

    assert program.returncode == 128 + number
    assert list(folder.iterdir()) == []
    assert not [pid for pid in pids if is_there(pid)]
    assert time.monotonic() - began < SOON


def test_the_callers_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]

    with pytest.raises(SystemExit) as left, tidy_when_told_to_go():
        signal.raise_signal(signal.SIGTERM)

    assert left.value.code == 128 + signal.SIGTERM
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_what_the_caller_ignores_stays_ignored() -> None:
    """A run that `nohup` started outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with tidy_when_told_to_go():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
