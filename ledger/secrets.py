"""Secrets of a ledger, each in a file of its own that only its owner reads.

They stand beside the database, never in it: who steals the log can redeem nothing.

A ledger's peppers are those that its first fact has fingerprints of, for good: `p1`, which every
folder has, and what else lay there at that moment. A pepper that is put there later issues nothing.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ledger.values.codes import Pepper

SECRET_BYTES: Final = 32
FIRST_PEPPER: Final = "p1"  # made where there is none, so every ledger has it


@dataclass(frozen=True, slots=True)
class Secrets:
    """The keys that a service needs to run."""

    session_key: bytes = field(repr=False)  # derives every session's MAC key
    peppers: dict[str, Pepper] = field(repr=False)  # by id; ticket codes are hashed with them

    @property
    def pepper_id(self) -> str:
        """The pepper that new carnets are issued with. It is one of the ledger's."""
        return FIRST_PEPPER


class WrongPepperError(Exception):
    """A pepper is missing, or not the one whose fingerprint stands in the ledger."""


def require_peppers(known: Mapping[str, str], ours: Mapping[str, Pepper]) -> None:
    """Hold our peppers to the fingerprints that the ledger keeps.

    Raises:
        WrongPepperError: with these peppers every ticket's code would be unknown.
    """
    for name, fingerprint in known.items():
        if name not in ours or ours[name].fingerprint != fingerprint:
            raise WrongPepperError(
                f"pepper-{name}.key is not the one that this ledger began with: no ticket would"
                " open. Put the data folder's secrets back from a backup, over those that are"
                " there, or name the right folder."
            )


def open_secrets(data: Path) -> Secrets:
    """Read the ledger's secrets, and make those that are missing.

    Raises:
        OSError: the folder can't be read or written, or a secret in it was cut short.
    """
    folder = data / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    session_key = _read_or_make(folder / "session.key")
    _read_or_make(folder / f"pepper-{FIRST_PEPPER}.key")
    peppers = {
        path.stem.removeprefix("pepper-"): Pepper(_read(path))
        for path in sorted(folder.glob("pepper-*.key"))
    }
    return Secrets(session_key, peppers)


def _read_or_make(path: Path) -> bytes:
    """The file's bytes. Two processes that start at once agree on the first one's."""
    if not path.exists():
        made = path.with_name(f".{path.name}.{os.getpid()}")
        made.touch(mode=0o600)
        with made.open("wb") as file:  # on the disk before the log relies on it
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            made.unlink()
        sync_folder(path.parent)
        sync_folder(path.parent.parent)
    return _read(path)


def _read(path: Path) -> bytes:
    """The file's bytes. A shorter key, an empty one above all, would be anybody's."""
    found = path.read_bytes()
    if len(found) < SECRET_BYTES:
        raise OSError(f"{path} is damaged: a secret has {SECRET_BYTES} bytes or more")
    return found


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk: a synced file may still lose its own."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
