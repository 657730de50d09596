"""Shares of the processor time, from what the kernel counts."""

import time
from pathlib import Path

import pytest

from loadtests import machine
from loadtests.machine import Jiffies, read_jiffies, sample, shares

STAT = """\
cpu  100 20 30 400 50 6 7 80 90 10
cpu0 50 10 15 200 25 3 3 40 45 5
cpu1 50 10 15 200 25 3 4 40 45 5
intr 12345 0 9
ctxt 678
"""
OF_A_KERNEL_WITHOUT_STEAL = "cpu  100 20 30 400\n"
OF_A_SANDBOX = "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n"


def test_all_cores_count_together_and_guests_not_twice() -> None:
    """The time of guests is in that of `user` and `nice` already."""
    assert read_jiffies(STAT) == Jiffies(stolen=80, idle=450, total=693)


@pytest.mark.parametrize("stat", ["", OF_A_KERNEL_WITHOUT_STEAL, OF_A_SANDBOX])
def test_a_file_that_does_not_tell_gives_nothing(stat: str) -> None:
    assert read_jiffies(stat) is None


def test_shares_are_of_the_time_between_two_samples() -> None:
    before, after = Jiffies(1000, 5000, 10_000), Jiffies(1050, 5020, 10_200)

    assert shares(before, after) == {"stolen_percent": 25.0, "idle_percent": 10.0}


def test_less_than_a_tick_has_no_share() -> None:
    now = Jiffies(1000, 5000, 10_000)

    assert shares(now, now) == {"stolen_percent": 0.0, "idle_percent": 0.0}


def test_where_nothing_is_counted_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "STAT", tmp_path / "stat")

    assert sample() is None
    assert shares(sample(), sample()) == {}


@pytest.mark.skipif(
    sample() is None, reason="this machine does not tell how its processors spend their time"
)
def test_the_kernel_of_this_machine_is_understood() -> None:
    before = sample()
    time.sleep(0.2)

    found = shares(before, sample())

    assert found.keys() == {"stolen_percent", "idle_percent"}
    assert all(0 <= share <= 100 for share in found.values())
    assert sum(found.values()) <= 100
