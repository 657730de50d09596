"""The service under test, in a process of its own, as `souche serve` runs it.

    python -m loadtests.service     settings from SOUCHE_…, how to reach the ledger from stdin

It does not open a database itself: the one that it is measured on is the one that pgbench and
the others are measured on.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection

import uvicorn

from api.app import create_app
from api.signatures import Sessions
from ledger.postgres import Database
from ledger.settings import Settings
from loadtests.scratch import Scratch
from loadtests.seeding import Device
from loadtests.serving import ROOT, ServingError, free_port
from loadtests.wire import Session
from loadtests.writing import tune_gc

START_SECONDS = 30
BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Service:
    """One that runs."""

    authority: str
    process: subprocess.Popen[bytes]
    session_key: bytes

    def session(self, device: Device) -> Session:
        """A session of a device, as if it had signed a nonce."""
        sessions = Sessions(self.session_key, self.authority)
        opened, meaning = sessions.open(device.terminal, device.fingerprint)
        return Session(self.authority, opened, meaning.mac_key)


@contextmanager
def running_service(ledger: Scratch, port: int | None = None) -> Iterator[Service]:
    """Run one process of the service, without followers, for the length of a block.

    Raises:
        ServingError: it does not answer in time.

    """
    service = start_service(ledger, port or free_port())
    try:
        yield service
    finally:
        service.process.terminate()
        service.process.wait()


def start_service(ledger: Scratch, port: int) -> Service:
    """Start one process; return once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "loadtests.service"],
        stdin=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "SOUCHE_DATA": str(ledger.folder), "SOUCHE_PORT": str(port)},
    )
    if process.stdin is None:
        raise RuntimeError("subprocess gave no pipe")
    process.stdin.write(json.dumps(asdict(ledger.database)).encode() + b"\n")
    process.stdin.flush()  # it stays open, and tells the child by its end that we are gone
    service = Service(f"127.0.0.1:{port}", process, ledger.secrets.session_key)
    _wait_until_answering(service)
    return service


def _wait_until_answering(service: Service) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and service.process.poll() is None:
        connection = HTTPConnection(service.authority, timeout=5)
        try:
            connection.request("POST", "/v1/checks", b"{}")
            connection.getresponse()
        except OSError:
            time.sleep(0.02)
        else:
            return
        finally:
            connection.close()
    service.process.kill()
    raise ServingError(f"the service does not answer; exit code {service.process.poll()}")


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        tune_gc()  # what has been made by now stays


def main() -> None:
    """Serve until SIGTERM, or until whoever started us is gone."""
    database = Database(**json.loads(sys.stdin.buffer.readline()))
    settings = Settings()
    config = uvicorn.Config(
        create_app(settings, database),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        log_level="warning",
        backlog=BACKLOG,
        timeout_keep_alive=75,
    )
    server = _Server(config)

    def leave_with_parent() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main()
