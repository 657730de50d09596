"""A whole service in a process of its own, for as long as a block lasts."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from ledger.settings import WORKERS, Settings
from scripts.common.ending import CommandError, Exit
from scripts.common.explaining import explain
from scripts.common.starting import Started
from scripts.service.children import PATIENCE, end_with, start_module
from scripts.service.supervising import serve


class Order(msgspec.Struct, frozen=True):
    """What to serve."""

    settings: dict[str, Any]
    workers: int
    demo: bool  # serve a demo's data, which is refused otherwise
    listener: int | None  # the socket to listen on, where it is bound already


@contextmanager
def serving(settings: Settings, *, workers: int = WORKERS, demo: bool = False) -> Iterator[str]:
    """Serve a data folder; give the address (`127.0.0.1:8080`) once requests are answered.

    A database that runs already is shared; otherwise the service runs one.

    Raises:
        CommandError: it did not start; its own words are on standard error.
    """
    with starting(settings, workers=workers, demo=demo) as wait:
        yield wait()


@contextmanager
def starting(
    settings: Settings,
    *,
    workers: int = WORKERS,
    demo: bool = False,
    listener: socket.socket | None = None,
) -> Iterator[Callable[[], str]]:
    """As `serving`, for whoever has something to do until it answers: call what you are given.

    A `listener` that is bound already is the service's from then on, and closed here.
    """
    process = _start(settings, workers, demo, listener)
    try:
        yield lambda: _wait(process, settings)
    finally:
        process.terminate()
        try:
            process.wait(3 * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _start(
    settings: Settings, workers: int, demo: bool, listener: socket.socket | None
) -> subprocess.Popen[bytes]:
    passed = None if listener is None else listener.fileno()
    order = msgspec.json.encode(Order(settings.model_dump(mode="json"), workers, demo, passed))
    process = start_module(
        "scripts.service.serving", order, pass_fds=[] if passed is None else [passed]
    )
    if listener is not None:
        listener.close()
    return process


def _wait(process: subprocess.Popen[bytes], settings: Settings) -> str:
    if process.stdout is None or not process.stdout.readline():
        raise CommandError("The service did not start.", "", Exit.UNAVAILABLE)
    return settings.address


def main() -> None:
    """What that process does."""
    end_with(int(sys.argv[1]))
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    try:
        serve(
            Settings(**order.settings),
            workers=order.workers,
            demo=order.demo,
            listener=None if order.listener is None else socket.socket(fileno=order.listener),
            on_ready=_say_ready,
        )
    except Exception as e:
        told = explain(e)
        if told is None:
            raise
        sys.stderr.write(f"{told.message}\n{told.advice}\n")
        sys.exit(told.code)


def _say_ready(_: Started) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
