"""The service under test: worker processes, as `souche serve` starts them.

The database is not the workers' to open: it is the one that all else is measured on.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from api.signatures import Sessions
from loadtests.scratch import Scratch
from loadtests.seeded import Device
from loadtests.serving import ROOT, ServingError
from loadtests.wire import Session

WORKER = "scripts.service.worker"
HOST = "127.0.0.1"
BACKLOG = 2048


class Service:
    """A listening socket, and the workers that answer on it: start, kill, start again."""

    def __init__(self, ledger: Scratch, log: Path | None = None, workers: int = 1) -> None:
        """Listen; connections wait until there is a worker. Their own words go to `log`."""
        self._ledger = ledger
        self._log = log.open("ab") if log else None
        self._listener = socket.create_server((HOST, 0), backlog=BACKLOG)
        port = self._listener.getsockname()[1]
        self.authority = f"{HOST}:{port}"
        self._settings = {"data": str(ledger.folder), "host": HOST, "port": port}
        self._sessions = Sessions(ledger.secrets.session_key, self.authority)
        self._wanted = workers
        self._workers: list[subprocess.Popen[bytes]] = []

    @property
    def pids(self) -> list[int]:
        """The workers'."""
        return [worker.pid for worker in self._workers]

    def session(self, device: Device) -> Session:
        """A session of a device, as if it had signed a nonce."""
        opened, meaning = self._sessions.open(device.terminal, device.fingerprint)
        return Session(self.authority, opened, meaning.mac_key)

    def start(self) -> None:
        """Start the workers; return once they are ready.

        Call it on a thread that lives as long as the workers should.

        Raises:
            ServingError: one has left before.
        """
        for _ in range(self._wanted):
            self._start_one()

    def _start_one(self) -> None:
        listener = self._listener.fileno()
        told = {
            "settings": self._settings,
            "database": self._ledger.database,
            "listener": listener,
        }
        worker = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            pass_fds=(listener,),
        )
        if worker.stdin is None or worker.stdout is None:
            raise RuntimeError("subprocess gave no pipe")
        worker.stdin.write(msgspec.json.encode(told) + b"\n")
        worker.stdin.flush()
        self._workers.append(worker)
        if not worker.stdout.readline():
            raise ServingError(f"the service does not start; exit code {worker.wait()}")

    def kill(self) -> None:
        """Let them finish nothing."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> None:
        """Let them finish what they have begun."""
        self._end(subprocess.Popen.terminate)

    def close(self) -> None:
        """Stop, and listen no more."""
        self.stop()
        self._listener.close()
        if self._log is not None:
            self._log.close()

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        for worker in self._workers:
            how(worker)
        for worker in self._workers:
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    pipe.close()
        self._workers.clear()


@contextmanager
def running_service(
    ledger: Scratch, log: Path | None = None, workers: int = 1
) -> Iterator[Service]:
    """Run it, without followers, for the length of a block.

    Raises:
        ServingError: it does not start.
    """
    service = Service(ledger, log, workers)
    try:
        service.start()
        yield service
    finally:
        service.close()
