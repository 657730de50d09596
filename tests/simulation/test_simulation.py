"""The writer on bad days: crashes, lost answers, late statements, clocks that disagree.

`python -m tests.simulation --seed N --operations M` repeats a run, and shows how it came to fail.
"""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from tests.simulation.audit import ViolationError
from tests.simulation.loop import StuckError, VirtualLoop
from tests.simulation.plants import PLANTS, planted
from tests.simulation.run import Report, Settings, simulate

OPERATIONS = 5_000


@cache
def bad_day(seed: int) -> Report:
    """A long run. It is the same each time, so whoever looks at it again need not repeat it."""
    return simulate(Settings(seed, OPERATIONS))


@pytest.mark.timeout(300)  # ten seconds where nothing else runs
@pytest.mark.parametrize(
    "seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 15))]
)
def test_a_bad_day_holds(seed: int) -> None:
    """Every commit and every answer is audited."""
    report = bad_day(seed)

    assert report.events > OPERATIONS / 3
    assert report.crashes > 10


def test_what_can_happen_does() -> None:
    """Or nothing would have been tried."""
    days = [bad_day(seed) for seed in (1, 2)]
    told = sum((day.told for day in days), Counter[str]())
    asked = sum((day.asked for day in days), Counter[str]())

    assert told["recorded"] > 2 * OPERATIONS / 5
    assert {"replayed", "found"} < told.keys()
    assert {
        "ticket-already-redeemed",
        "terminal-revoked",
        "session-ended",
        "command-id-reused",
        "claim-unknown",
        "run-open",
    } < told.keys()
    assert len(asked) == 24


@pytest.fixture(scope="module")
def report() -> Report:
    return simulate(Settings(seed=7, operations=1_500))


def test_a_seed_repeats_exactly(report: Report) -> None:
    """In another process, whose hashes differ: nothing depends on the order of a set."""
    code = "from tests.simulation.test_simulation import Settings, simulate\n"
    code += "print(simulate(Settings(seed=7, operations=1_500)).digest)"
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == report.digest


def test_another_seed_is_another_day(report: Report) -> None:
    assert simulate(Settings(seed=8, operations=300)).digest != report.digest


@pytest.mark.slow
@pytest.mark.parametrize("plant", sorted(PLANTS))
def test_a_planted_defect_is_found(plant: str) -> None:
    """Within eight short days."""
    found: list[str] = []
    for seed in range(1, 9):
        try:
            simulate(planted(Settings(seed, 1_500), plant))
        except ViolationError as e:
            found.append(str(e))
            break
    assert found


def test_a_failing_seed_fails_the_same_way_again() -> None:
    settings = planted(Settings(1, 1_500), "loses-commits")
    violations = []
    for _ in range(2):
        with pytest.raises(ViolationError) as raised:
            simulate(settings)
        violations.append((str(raised.value), raised.value.__notes__))

    assert violations[0] == violations[1]
    assert "acknowledged at position" in violations[0][0]
    assert "host-" in violations[0][1][0]


def test_the_command_line_says_how_to_repeat_a_failure() -> None:
    command = "-m tests.simulation --seed 1 --operations 1500 --plant loses-commits"
    ended = subprocess.run(
        [sys.executable, *command.split()], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "acknowledged at position" in ended.stdout
    assert "replay: --seed 1 --operations 1500" in ended.stdout


def test_time_passes_only_where_somebody_waits_for_it() -> None:
    async def sleep_long() -> float:
        await asyncio.gather(asyncio.sleep(86_400), asyncio.sleep(3_600))
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(sleep_long()) == pytest.approx(86_400)


def test_a_deadlock_is_an_error() -> None:
    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(wait_for_ever())
