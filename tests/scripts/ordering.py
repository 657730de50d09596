"""Orders, and runs that issue them and are caught at it."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.scripts.running import Souche

STOCK = "region-bfc"
CARNETS = 1_600  # enough for a run to be caught in the middle
MIDDLE = 60_000  # bytes of its print file


def order(
    souche: Souche, name: str, carnets: int, programme: str = "AV12", size: int = 10
) -> tuple[tuple[str, ...], Path]:
    """Order carnets: the command that issues them, and its print file."""
    souche.do(
        *("order", "create", programme, name, "--millesime", "2022"),
        *("--carnets", str(carnets), "--size", str(size), "--holder", STOCK),
    )
    path = souche.data / "print" / name
    return ("order", "issue", programme, name, "--to", str(path)), path


def kill_between(souche: Souche, command: tuple[str, ...], path: Path) -> None:
    """Begin to issue, and be killed in the middle."""
    with _begun(souche, command, path) as process:
        process.kill()


@contextmanager
def stopped_between(
    souche: Souche, command: tuple[str, ...], path: Path
) -> Iterator[subprocess.Popen[str]]:
    """A run that stands still in the middle, until it gets SIGCONT or the block ends."""
    with _begun(souche, command, path) as process:
        process.send_signal(signal.SIGSTOP)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)  # or it takes no other signal


@contextmanager
def _begun(souche: Souche, command: tuple[str, ...], path: Path) -> Iterator[subprocess.Popen[str]]:
    with souche.started(*command) as process:
        while not (path.exists() and path.stat().st_size > MIDDLE):
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        yield process
