"""What a power cut leaves of passwords, secrets and a new database."""

import os
from pathlib import Path

import pytest

from ledger.postgres import PostgresServer
from ledger.postgres.passwords import write_private
from ledger.secrets import open_secrets
from tests.ledger.postgres.conftest import FAST


class Disk:
    """What is on the disk by name: of each folder that was synced, what was in it then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[int, set[str]] = {}
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        """In the place of `os.fsync`."""
        self._fsync(descriptor)
        found = os.fstat(descriptor).st_ino
        try:
            self.names[found] = set(os.listdir(descriptor))
        except NotADirectoryError:
            self.names[found] = set()

    def has(self, path: Path) -> bool:
        """Whether the name leads there after a power cut."""
        return path.name in self.names.get(path.parent.stat().st_ino, set())


def test_a_private_file_is_on_disk_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)

    write_private(tmp_path / "role", "secret")

    assert disk.has(tmp_path / "role")
    assert (tmp_path / "role").stat().st_ino in disk.names


def test_a_new_database_is_on_disk_with_its_password(
    new_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the file nobody could log in to it any more, us included."""
    disk = Disk(monkeypatch)

    with PostgresServer(new_folder, settings=FAST) as server:
        places = server.places

    assert disk.has(places.secrets / "postgres")
    assert disk.has(places.secrets)
    assert disk.has(places.data)
    assert disk.has(places.home)


def test_new_secrets_are_on_disk_with_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other ones would be made in their place, with which no ticket opens."""
    disk = Disk(monkeypatch)

    open_secrets(tmp_path)

    assert disk.has(tmp_path / "secrets")
    assert disk.has(tmp_path / "secrets" / "session.key")
    assert disk.has(tmp_path / "secrets" / "pepper-p1.key")
