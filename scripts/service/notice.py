"""Where a data folder is served, told to commands that work on the same folder.

A lock says whether it is true: the service holds it for as long as it lives, however it ends.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Final

NAME: Final = "served-at"
TRIES: Final = 5  # a command that looks has the lock for an instant
PAUSE: Final = 0.01  # seconds


@contextmanager
def served_at(data: Path, authority: str) -> Iterator[Callable[[], None]]:
    """Tell what terminals have to call this service, until the block ends.

    Where another service of the same folder has told so already, nothing is changed. Call what
    you are given now and then: once the other one has left, it is told of this one.
    """
    descriptor = os.open(data / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    is_told = False

    def tell(tries: int = 1) -> None:
        nonlocal is_told
        if not is_told and _lock(descriptor, fcntl.LOCK_EX, tries):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, authority.encode(), 0)
            is_told = True

    try:
        tell(TRIES)
        yield tell
    finally:
        os.close(descriptor)


def find_service(data: Path) -> str | None:
    """The authority of the service that runs on a data folder; None where none does."""
    try:
        descriptor = os.open(data / NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        if _lock(descriptor, fcntl.LOCK_SH):
            return None
        return os.read(descriptor, 1_000).decode() or None
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int, tries: int = 1) -> bool:
    for _ in range(tries):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if tries > 1:
                sleep(PAUSE)
        else:
            return True
    return False
