"""A process of its own for the read models, which ends with the one that started it."""

import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import msgspec

from ledger.postgres import Database
from projections.runner import run_projections

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def start_projections(database: Database) -> subprocess.Popen[bytes]:
    """Start `python -m projections`; it stops by SIGTERM, and when this process is gone.

    Call it on a thread that lives as long as the read models should be followed, and keep what
    it returns: on Linux the child is told when that very thread ends, elsewhere when the pipe does.
    """
    ours = str(Path(__file__).parents[1])  # this very program, wherever the parent stands
    path = os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "projections", str(os.getpid())],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    if child.stdin is None:
        raise RuntimeError("subprocess gave no pipe")
    # Not on the command line: it may hold a password. The pipe stays open as long as we live.
    child.stdin.write(msgspec.json.encode(database) + b"\n")
    child.stdin.flush()
    return child


def main() -> None:
    """What the child does: read how to reach the ledger, then follow it."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _end_with(int(sys.argv[1]))
    database = msgspec.json.decode(sys.stdin.buffer.readline(), type=Database)
    os.nice(5)  # terminals go first; on a full machine the lag stayed the same
    # A page makes thousands of objects and no cycle: looking for one took a tenth of the time.
    gc.freeze()
    gc.set_threshold(100_000)
    threading.Thread(target=_stop_at_end, args=(sys.stdin.buffer, stop), daemon=True).start()
    run_projections(database, stop)


def _end_with(parent: int) -> None:
    """Ask Linux for a SIGTERM when the parent is gone, however it went."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


def _stop_at_end(pipe: IO[bytes], stop: threading.Event) -> None:
    """Elsewhere the end of the pipe says so, unless another child holds it open."""
    # Unbuffered: a thread that holds the buffer's lock when the interpreter ends makes it abort.
    os.read(pipe.fileno(), 1)
    stop.set()
