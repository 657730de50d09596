"""What `run load` loads: a service of its own, or one that runs already."""

import argparse
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ledger.postgres import open_database
from loadtests.crowd import Line
from loadtests.following import following
from loadtests.history import History
from loadtests.scratch import Scratch, scratch_ledger
from loadtests.seeded import Device
from loadtests.service import running_service
from loadtests.till import SessionRefusedError, Till

REACH_SECONDS = 5


class UnloadableError(RuntimeError):
    """The service and the ledger that we were told to load can't be loaded."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service that runs already."""

    authority: str  # host and port, as terminals sign them
    data: Path  # of its ledger


def authority_of(url: str) -> str:
    """Host and port of a service, as signatures cover them.

    Raises:
        argparse.ArgumentTypeError: it is no URL of a service.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path not in {"", "/"}:
        raise argparse.ArgumentTypeError("a URL as http://127.0.0.1:8080")
    return parts.netloc.lower()


Target = Iterator[tuple[Scratch, str]]  # the ledger to load, and its service's authority


@contextmanager
def our_own() -> Target:
    """A ledger to throw away, its service and its followers.

    Raises:
        ServingError: the service does not start.
    """
    with (
        scratch_ledger(os.environ.get("SOUCHE_DATABASE_URL")) as ledger,
        running_service(ledger) as service,
        following(ledger.database),
    ):
        yield ledger, service.authority


@contextmanager
def already_running(target: Running) -> Target:
    """Look first, so that a slip of the hand neither makes a ledger nor fills a wrong one.

    Raises:
        UnloadableError: there is no such ledger, or no such service.
    """
    if not (target.data / "secrets").is_dir():
        raise UnloadableError(f"There is no ledger in {target.data}.")
    host = urlsplit(f"//{target.authority}")
    try:
        socket.create_connection((host.hostname, host.port or 80), REACH_SECONDS).close()
    except OSError as e:
        raise UnloadableError(f"Nobody answers at {target.authority}: {e}") from e
    with open_database(target.data) as database:
        yield Scratch(target.data, database, None), target.authority


def try_session(authority: str, device: Device, history: Path) -> None:
    """Open one session: a load in which nobody gets one would say less about why.

    Raises:
        UnloadableError: the service does not take a device of the ledger's for one of its own.
    """
    with History(history) as unused, closing(Line(authority)) as line:
        try:
            Till(device, authority, line.send, unused).open_session()
        except SessionRefusedError as e:
            raise UnloadableError(
                f"{authority} does not let our terminals in: {e}. Either its ledger is another "
                "one, or it has another name: give it as the service itself does when it starts."
            ) from e
