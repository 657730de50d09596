"""Start an ASGI application in a process of its own, on the loopback interface."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

START_SECONDS = 30
ROOT = Path(__file__).parent.parent


class ServingError(RuntimeError):
    """The application did not start."""


@contextmanager
def serving(application: str, environment: Mapping[str, str], workers: int = 1) -> Iterator[str]:
    """Serve `module:factory` with uvicorn for the length of a block; give its authority.

    Raises:
        ServingError: when it does not accept connections in time.

    """
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", application, "--host=127.0.0.1"]
    command += [f"--port={port}", f"--workers={workers}", "--no-access-log", "--log-level=warning"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT)
    try:
        _wait_until_accepting(process, port)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
    return port


def _wait_until_accepting(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise ServingError(f"not accepting connections; exit code {process.poll()}")
