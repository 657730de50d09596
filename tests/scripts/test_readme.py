"""The README's walk works as it is printed: each command, in order, in a folder of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.conftest import free_port
from tests.scripts.running import ROOT, ended

SECTION = "## From a programme to a paid venue"
SERVE = "./run serve"


@pytest.fixture
def newcomer(tmp_path: Path) -> Path:
    """A checkout in which `./run` has made its environment: this one's."""
    for package in ("api", "ledger", "projections", "scripts", "requirements.txt"):
        (tmp_path / package).symlink_to(ROOT / package)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    run = tmp_path / "run"
    run.write_text(
        f'#!/bin/sh\n[ "$1" = souche ] && shift\nexec "{sys.executable}" -P -m scripts.cli "$@"\n'
    )
    for program in (python, run):
        program.chmod(0o755)
    return tmp_path


def commands() -> tuple[list[str], list[str]]:
    """What the README has people type into the one terminal, and into the other."""
    section = (ROOT / "README.md").read_text().partition(SECTION)[2].partition("\n## ")[0]
    typed = re.findall(r"^    (.*)$", section, re.MULTILINE)
    place = typed.index(SERVE) + 1
    return typed[:place], typed[place:]


def shell(folder: Path, typed: list[str], port: int) -> subprocess.Popen[str]:
    """A shell in a folder, in which these lines are typed, at another port."""
    lines = [line.replace("8080", str(port)) for line in typed]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOUCHE_")}
    return subprocess.Popen(
        [shutil.which("bash") or "sh", "-euc", "\n".join(lines)],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(folder), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(700)
def test_the_walk_of_the_readme_ends_with_a_paid_venue(newcomer: Path) -> None:
    port = free_port()
    serving, working = commands()
    with ended(shell(newcomer, [*serving[:-1], f"exec {SERVE}"], port)) as service:
        assert service.stdout is not None
        started = next((line for line in service.stdout if "Souche serves" in line), "")
        assert started
        with ended(shell(newcomer, working, port)) as worked:
            out, err = worked.communicate(timeout=600)

    assert (worked.returncode, err) == (0, "")
    assert "refused: exit code 1" in out
    assert "is approved" in out
    assert re.search(r"99900001100018 +Médiathèque +1 +10\.00 € +10\.00 € +0\.00 €", out)
    assert "balanced." in out
