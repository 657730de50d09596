"""The demo's data folder: its own, marked, and emptied once nothing else keeps a demo from it."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from ledger.postgres.places import LOCATION, find_places
from ledger.postgres.process import try_lock
from scripts.common.ending import CommandError, Exit

MARK: Final = "demo-data"
_SAYS: Final = "Example data, made by `souche demo` and removed by the next one.\n"


@contextmanager
def demo_folder(data: Path) -> Iterator[Callable[[], None]]:
    """A folder that is marked as a demo's, and no other demo's until the block ends.

    It has the last demo in it until you call what you are given, which removes that.

    Raises:
        CommandError: there is something else in it, or a demo runs on it.
    """
    if data.exists() and any(data.iterdir()) and not (data / MARK).is_file():
        raise CommandError(
            f"{data} holds something that is not a demo's.",
            "Name another folder with --data: the demo removes what it finds in its own.",
        )
    data.mkdir(parents=True, exist_ok=True)
    # The mark stays whatever else is removed: killed half-way, this is still a demo's folder.
    with (data / MARK).open("a") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(data) from None
        mark.truncate(0)
        mark.write(_SAYS)
        mark.flush()
        yield partial(_empty, data)


def _empty(data: Path) -> None:
    """Remove what an earlier demo left, also where its removal was cut short."""
    places = find_places(data)
    lock = try_lock(places)
    if lock is None:
        raise CommandError(
            f"Another command looks at the last demo in {data}.",
            "Let it end, then try again.",
            Exit.UNAVAILABLE,
        )
    try:
        # First, so that it never names what has gone; without it the home is found all the same.
        (data / LOCATION).unlink(missing_ok=True)
        shutil.rmtree(places.home)
        for found in data.iterdir():
            if found.name != MARK:
                shutil.rmtree(found) if found.is_dir() else found.unlink()
    finally:
        os.close(lock)


def _taken(data: Path) -> CommandError:
    return CommandError(
        f"A demo runs on {data} already.",
        "Look at it, or stop it; for another one beside it give --data and --port.",
        Exit.UNAVAILABLE,
    )
