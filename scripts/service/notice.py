"""Where a data folder is served, told to commands that work on the same folder.

A lock says whether it is true: the service holds it for as long as it lives, however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Final

NAME: Final = "served-at"
TRIES: Final = 5  # a command that looks has the lock for an instant
PAUSE: Final = 0.01  # seconds


@contextmanager
def served_at(data: Path, authority: str) -> Iterator[None]:
    """Tell what terminals have to call this service, until the block ends.

    Where another service of the same folder has told so already, nothing is changed.
    """
    descriptor = os.open(data / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if _lock(descriptor, fcntl.LOCK_EX, TRIES):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, authority.encode())
        yield
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
            sleep(PAUSE)
        else:
            return True
    return False
