"""The service on a data folder: database, listening socket, workers and followers, kept up."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import sleep
from types import FrameType
from typing import Final

import msgspec

from api.state import UncountedProxiesError, require_counted_proxies
from ledger.postgres import Database, open_database
from ledger.settings import WORKERS, Settings
from projections.process import start_projections
from scripts.common.ending import CommandError, Exit
from scripts.common.starting import Started, start_ledger
from scripts.service.assignment import Assignment
from scripts.service.children import Child, end, start_module
from scripts.service.notice import served_at

LOOK_EVERY: Final = 0.05  # seconds from one look at the children to the next
BACKLOG: Final = 2_048  # connections that may wait while a worker is started again
FIRST_TRIES: Final = 3  # a worker that never got ready dies this often before we give up

Say = Callable[[Started], None]


def serve(
    settings: Settings,
    *,
    workers: int = WORKERS,
    demo: bool = False,
    listener: socket.socket | None = None,
    on_ready: Say,
    on_wait: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. Call it on the main thread: children end with it.

    Only who says `demo` gets a demo's data served. A `listener` has the settings' address already.

    Raises:
        CommandError: the address or the ledger can't be served.
        PostgresUnavailableError: there is no database.
    """
    refuse_exposure(settings)
    with (
        stopping() as stopped,
        closing(listener or listen(settings)) as listening,
        open_database(settings.data, settings.database_url, progress=on_wait) as database,
    ):
        started = start_ledger(settings, database)
        if started.origin.demo and not demo:
            raise CommandError(
                f"{settings.data} holds a demo's data, which is not served as a ledger.",
                "Name another folder with --data; `souche demo` runs the demo.",
            )
        children = _children(settings, database, listening, workers)
        try:
            _bring_up(children, stopped)
            with served_at(settings.data, settings.signed_authority) as tell:
                if not stopped():
                    on_ready(started)
                while not stopped():
                    _look(children)
                    tell()
        finally:
            listening.close()  # first of all: nobody new
            end([child for child in children if child.is_worker])
            end([child for child in children if not child.is_worker])


def refuse_exposure(settings: Settings) -> None:
    """Terminals' secrets don't travel in clear, and no stranger's failures lock all out.

    Raises:
        CommandError: others could read them on their way; or nothing tells who comes through TLS.
    """
    if settings.is_exposed:
        raise CommandError(
            f"{settings.host} can be reached from other machines, and nothing says that TLS ends "
            "in front of this service.",
            "Put a proxy with TLS in front and set SOUCHE_TLS=true and SOUCHE_AUTHORITY, or "
            "listen on 127.0.0.1.",
        )
    try:
        require_counted_proxies(settings)
    except UncountedProxiesError as e:
        raise CommandError("TLS is declared, and no proxy is counted.", str(e)) from e


def listen(settings: Settings, port: int | None = None) -> socket.socket:
    """The socket that the workers share. It outlives them: connections wait for the next one.

    With `port` 0 it is at a free one instead of the settings'.

    Raises:
        CommandError: the address can't be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    address = (settings.host, settings.port if port is None else port)
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as e:
        raise CommandError(
            f"Can't listen on {settings.address}: {e.strerror or e}.",
            "Choose another port with --port, or stop what uses this one.",
            Exit.UNAVAILABLE,
        ) from e


class ServiceChild(Child):
    """A child of the service: a worker, or the followers."""

    is_worker = False


class Worker(ServiceChild):
    """A child that answers requests."""

    is_worker = True


def _children(
    settings: Settings, database: Database, listener: socket.socket, workers: int
) -> list[ServiceChild]:
    descriptor = listener.fileno()
    assignment = Assignment(settings.model_dump(mode="json"), database, descriptor)
    told = msgspec.json.encode(assignment)
    children: list[ServiceChild] = [
        Worker(
            lambda: start_module("scripts.service.worker", told, pass_fds=[descriptor]),
            says_ready=True,
        )
        for _ in range(workers)
    ]
    if settings.followers:
        children.append(ServiceChild(lambda: start_projections(database), says_ready=False))
    return children


def _bring_up(children: list[ServiceChild], stopped: Callable[[], bool]) -> None:
    while not stopped() and not all(child.is_ready for child in children):
        _look(children)
        if any(child.deaths >= FIRST_TRIES for child in children):
            raise CommandError(
                "The service does not start; its own words are above.",
                "`souche doctor` looks for the cause.",
            )


def _look(children: list[ServiceChild]) -> None:
    for child in children:
        child.look()
    sleep(LOOK_EVERY)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Whether we were asked to stop, by a signal that then does nothing else."""
    asked = False

    def ask(_: int, __: FrameType | None) -> None:
        nonlocal asked
        asked = True

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
