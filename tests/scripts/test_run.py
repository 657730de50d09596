"""`./run`, as far as it answers by itself."""

import subprocess
from pathlib import Path

import pytest

from tests.scripts.running import ROOT, clean


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """`./run`, for what it answers by itself: it finds no Python to install anything with."""
    return subprocess.run(
        ["./run", *words],
        env={**clean(), "SOUCHE_PYTHON": "/nowhere", "SOUCHE_VENV": "/nowhere/venv"},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_run_names_a_word_that_it_does_not_know() -> None:
    said = run("frobnicate")

    assert said.returncode == 2
    assert said.stderr.startswith("run: no such word: frobnicate\nusage: ")


def test_run_says_what_was_typed(tmp_path: Path) -> None:
    """Commands that are printed to be pasted begin with it."""
    venv = tmp_path / "venv"
    python = venv / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || echo "$SOUCHE_RUN"\n')
    python.chmod(0o755)
    made = "cat requirements.txt requirements-dev.txt | cksum"
    stamp = subprocess.run(["sh", "-c", made], capture_output=True, check=True, cwd=ROOT).stdout
    (venv / "souche-runtime").write_bytes(stamp + f"{venv}\n".encode())
    (tmp_path / "a link").symlink_to(ROOT)

    for typed, cwd in (("./run", ROOT), ("../a link/run", venv)):
        said = subprocess.run(
            [typed, "souche"],
            env={**clean(), "SOUCHE_VENV": str(venv)},
            capture_output=True,
            text=True,
            check=True,
            cwd=cwd,
        )
        assert said.stdout == f"{typed}\n"


@pytest.mark.parametrize("words", [("nosuch",), ("lint", "--bogus"), ("lint", "tests/api")])
def test_run_check_refuses_what_it_does_not_know(words: tuple[str, ...]) -> None:
    """A part that was mistyped is not taken for all of them."""
    said = run("check", *words)

    assert said.returncode == 2
    assert said.stderr.startswith(f"run: check: no such part or option: {words[-1]}\nusage: ")


@pytest.mark.parametrize("words", [("--help",), ("lint", "-h")])
def test_run_check_has_a_help_that_does_nothing(words: tuple[str, ...]) -> None:
    said = run("check", *words)

    assert (said.returncode, said.stderr) == (0, "")
    assert all(part in said.stdout for part in ("lint", "format", "types", "layers", "tests"))
