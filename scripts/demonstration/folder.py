"""The demo's data folder: its own, marked, and empty when a demo begins."""

import os
import shutil
from pathlib import Path
from typing import Final

from ledger.postgres.places import find_places
from ledger.postgres.process import try_lock
from scripts.common.ending import CommandError, Exit

MARK: Final = "demo-data"
_SAYS: Final = "Example data, made by `souche demo` and removed by the next one.\n"


def make_folder(data: Path) -> None:
    """An empty folder that is marked as a demo's.

    Raises:
        CommandError: there is something else in it, or a demo runs on it.
    """
    if data.exists() and any(data.iterdir()):
        _remove(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARK).write_text(_SAYS)


def _remove(data: Path) -> None:
    if not (data / MARK).is_file():
        raise CommandError(
            f"{data} holds something that is not a demo's.",
            "Name another folder with --data: the demo removes what it finds in its own.",
        )
    places = find_places(data)
    lock = try_lock(places)
    if lock is None:
        raise CommandError(
            f"A demo runs on {data} already.",
            "Look at it, or stop it; for another one beside it give --data and --port.",
            Exit.UNAVAILABLE,
        )
    try:
        shutil.rmtree(places.home)
        # The mark goes last: killed half-way, this is still a demo's folder.
        for entry in sorted(data.iterdir(), key=lambda found: found.name == MARK):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    finally:
        os.close(lock)
