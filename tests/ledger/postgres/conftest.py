"""Servers of a test's own, and other commands that share them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from ledger.postgres import PostgresServer

# Without waiting for the disk: these tests kill processes, not machines.
NUMBERS = count(1)
FAST = {"fsync": "off", "shared_buffers": "16MB"}


@dataclass
class Command:
    """Another command, in a process of its own."""

    process: subprocess.Popen[str]
    said: dict[str, object]  # see child.py

    def end(self) -> None:
        """As a command ends: its server, if it runs one, stops with it."""
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        """As the kernel ends it."""
        self.process.kill()
        self.process.wait()
        self.process.communicate()


StartCommand = Callable[..., Command]


@pytest.fixture
def new_folder(server_folder: Path) -> Iterator[Path]:
    """A data folder for this test, which doesn't exist yet."""
    folder = server_folder / str(next(NUMBERS))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stopped(server_folder: Path) -> Path:
    """A data folder whose server was started once, and stopped."""
    with PostgresServer(server_folder / "stopped", settings=FAST):
        return server_folder / "stopped"


@pytest.fixture
def folder(stopped: Path, new_folder: Path) -> Path:
    """A data folder for this test that was used before: much quicker to start."""
    subprocess.run(["/bin/cp", "-a", stopped, new_folder], check=True)
    return new_folder


@pytest.fixture
def start_command() -> Iterator[StartCommand]:
    """Start another command on a data folder; returns when its server is ready."""
    with ExitStack() as running:

        def start(folder: Path, uid: int | None = None) -> Command:
            arguments = [str(folder), *([] if uid is None else [str(uid)])]
            process = running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.ledger.postgres.child", *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert process.stdout is not None
            return Command(process, json.loads(process.stdout.readline()))

        yield start
