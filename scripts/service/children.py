"""Processes that should be running: each is started again when it dies."""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Final

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before a dead child is started again
STEADY: Final = 30.0  # seconds after which a child counts as healthy
PATIENCE: Final = 10.0  # seconds that a child may take to leave
PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>

Start = Callable[[], subprocess.Popen[bytes]]


def start_module(
    module: str, told: bytes, *, pass_fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start `python -m module`, and tell it a line on its standard input.

    Not on its command line: the line may hold a password. The pipe stays open as long as we live.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        pass_fds=pass_fds,
        start_new_session=True,  # Ctrl-C is for us: we end the children in their order
    )
    if child.stdin is None:
        raise RuntimeError("subprocess gave no pipe")
    child.stdin.write(told + b"\n")
    child.stdin.flush()
    return child


def end_with(parent: int) -> None:
    """Ask Linux for a SIGTERM when the parent is gone, however it went."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


class Child:
    """One process. Look at it often, on a thread that lives as long as the child should."""

    def __init__(self, start: Start, *, says_ready: bool) -> None:
        """Nothing starts before the first look. A child that `says_ready` writes a line then."""
        self._start = start
        self._says_ready = says_ready
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = SHORTEST_PAUSE
        self._started_at = 0.0
        self._start_at = 0.0
        self.is_ready = False
        self.deaths = 0

    def look(self) -> None:
        """Note whether it is ready, or has died; start it when it is time to."""
        now = monotonic()
        if self._process is None:
            if now >= self._start_at:
                self._process, self._started_at = self._start(), now
                self.is_ready = not self._says_ready
            return
        if self._process.poll() is None:
            self.is_ready = self.is_ready or _has_spoken(self._process)
            return
        self.deaths += 1
        self.is_ready = False
        self._close()
        if now - self._started_at > STEADY:
            self._pause = SHORTEST_PAUSE
        self._start_at = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def ask_to_leave(self) -> None:
        """SIGTERM: it finishes what it has begun."""
        if self._process is not None:
            self._process.terminate()

    def see_out(self, until: float) -> None:
        """Wait until it has left; at the instant `until` it is thrown out."""
        if self._process is None:
            return
        while self._process.poll() is None and monotonic() < until:
            sleep(0.01)
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = None


def _has_spoken(process: subprocess.Popen[bytes]) -> bool:
    if process.stdout is None:
        return False
    readable, _, _ = select.select([process.stdout], [], [], 0)
    return bool(readable) and process.stdout.readline() != b""


def end(children: Sequence[Child]) -> None:
    """Ask all of them at once, then wait for each."""
    for child in children:
        child.ask_to_leave()
    until = monotonic() + PATIENCE
    for child in children:
        child.see_out(until)
