"""One run at a time has a print file and its seed."""

import errno
import fcntl
from pathlib import Path

import pytest

from scripts.common.ending import CommandError
from scripts.stock.locking import leave_lock, take_lock
from scripts.stock.printing import Format, seed_file
from scripts.stock.seeds import make_seed


def test_a_print_file_is_locked_until_it_is_left(tmp_path: Path) -> None:
    path, other = tmp_path / "first.csv", tmp_path / "second.csv"
    lock = take_lock(path)

    with pytest.raises(CommandError, match="Another run writes"):
        take_lock(path)
    leave_lock(other, take_lock(other))
    leave_lock(path, lock)
    leave_lock(path, take_lock(path))

    assert not list(tmp_path.iterdir())


def test_a_lock_that_was_removed_meanwhile_keeps_nobody_away(tmp_path: Path) -> None:
    """So it is not taken for one: its name may be another's by now."""
    path = tmp_path / "first.csv"
    flock = fcntl.flock

    def leave_first(descriptor: int, kind: int) -> None:
        (tmp_path / ".first.csv.lock").unlink()
        flock(descriptor, kind)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", leave_first)
        with pytest.raises(CommandError, match="Another run writes"):
            take_lock(path)

    leave_lock(path, take_lock(path))


def test_a_folder_that_locks_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some network folders."""

    def refuse(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)

    with pytest.raises(CommandError, match=r"can't be locked.*No locks available") as raised:
        take_lock(tmp_path / "first.csv")
    assert "first.csv.seed, move it there too" in raised.value.advice


def test_a_new_seed_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "first.csv"
    make_seed(path, Format.CSV, "AV12/first/0")
    seed = seed_file(path).read_text()

    with pytest.raises(CommandError, match="Another run writes"):
        make_seed(path, Format.CSV, "AV12/first/0")

    assert seed_file(path).read_text() == seed
    assert list(tmp_path.iterdir()) == [seed_file(path)]
