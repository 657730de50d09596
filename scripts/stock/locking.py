"""One run at a time has a print file and its seed."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from scripts.common.ending import CommandError
from scripts.stock.printing import PRIVATE, seed_file


def take_lock(path: Path) -> int:
    """Keep every other run away from a print file and its seed, until `leave_lock` or a kill.

    The file that is locked is one of its own, as the two are replaced and removed.

    Raises:
        CommandError: another run has it, or nothing can be locked there.
        OSError: nothing can be written there.
    """
    descriptor = os.open(_lock_file(path), os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        _lock(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        raise another_run(path) from e
    except OSError as e:
        raise CommandError(
            f"{path} can't be locked, to keep a second run away from it: {e.strerror}.",
            "Name a file on a disk of this machine with --to. "
            f"If there is a {seed_file(path).name}, move it there too.",
        ) from e
    place = _lock_file(path)
    # The run that had it may have removed it since it was opened here.
    if not (place.exists() and os.path.samestat(os.fstat(descriptor), place.stat())):
        raise another_run(path)


def leave_lock(path: Path, descriptor: int) -> None:
    """Let the next run have the print file."""
    with suppress(OSError):  # one that is left over is taken by the next run
        _lock_file(path).unlink()
    os.close(descriptor)


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def another_run(path: Path) -> CommandError:
    return CommandError(
        f"Another run writes {path}.",
        "Let it end. If it says that the carnets are issued, all is done; else run this again.",
    )
