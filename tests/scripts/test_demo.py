"""The demo, as whoever looks at Souche first runs it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scripts.conftest import free_port
from tests.scripts.running import Souche

ON_PURPOSE = {
    "carnet-expired",
    "code-unknown",
    "terminal-revoked",
    "ticket-already-redeemed",
    "ticket-not-assigned",
    "too-many-tickets",
    "venue-not-qualified",
}


@pytest.fixture(scope="module")
def played(new_data: Callable[[], Path]) -> tuple[Souche, dict[str, object]]:
    """A demo that has been played, and the line that it ended with."""
    souche = Souche(new_data())
    process = souche.start(
        *("demo", "--data", str(souche.data), "--port", str(free_port())), *("--once", "--json")
    )
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return souche, json.loads(out.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_demo_redeems_refuses_and_pays(played: tuple[Souche, dict[str, object]]) -> None:
    _, told = played

    assert int(str(told["redeemed"])) >= 20_000
    assert set(dict(told["refused"])) == ON_PURPOSE  # type: ignore[call-overload]
    assert told["reimbursed_cents"] == int(str(told["redeemed"])) * 1000
    assert int(str(told["events"])) > 50_000


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_its_books_can_be_looked_at_afterwards(
    played: tuple[Souche, dict[str, object]],
) -> None:
    souche, told = played

    balances = souche.look("balances")
    trial = balances["trial_balance"]
    assert balances["balanced"]
    assert trial["debit_cents"] + trial["credit_cents"] == 0
    assert souche.look("status")["events"] == told["events"]
    assert souche.look("rebuild", "--check") == {"differences": []}
    assert "holds a demo's data" in souche.refuse("serve", "--port", str(free_port()))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_second_demo_begins_anew(played: tuple[Souche, dict[str, object]]) -> None:
    souche, _ = played
    (souche.data / "leftover").write_text("of the first one\n")

    process = souche.start("demo", "--data", str(souche.data), "--port", str(free_port()))
    assert process.stdout is not None
    process.stdout.readline()
    during = souche.run("demo", "--data", str(souche.data))
    for line in process.stdout:
        if "stays up" in line:
            break
    process.terminate()
    process.communicate(timeout=60)

    assert during.code == 3
    assert "runs on" in during.err
    assert not (souche.data / "leftover").exists()
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_demo_that_leaves_names_no_address(new_data: Callable[[], Path]) -> None:
    souche = Souche(new_data())
    port = str(free_port())
    process = souche.start("demo", "--data", str(souche.data), "--port", port, "--once")
    out, err = process.communicate(timeout=300)

    assert process.returncode == 0, err
    assert port not in out
    assert f"souche balances --data '{souche.data}'" in out


def test_it_removes_nothing_that_is_not_a_demos(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work\n")

    told = Souche(tmp_path).refuse("demo", "--data", str(tmp_path), "--once")

    assert "not a demo's" in told
    assert (tmp_path / "thesis.tex").exists()


def test_interrupted_it_leaves_nothing_running(new_data: Callable[[], Path]) -> None:
    souche = Souche(new_data())
    process = souche.start("demo", "--data", str(souche.data), "--port", str(free_port()))
    assert process.stdout is not None
    process.stdout.readline()

    process.terminate()
    process.communicate(timeout=60)

    listing = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    assert str(souche.data) not in listing.stdout
