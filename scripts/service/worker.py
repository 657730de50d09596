"""`python -m scripts.service.worker`: one process that answers requests.

It is told on its standard input where the database is and which socket to listen on; it migrates
nothing. Any number of them share the socket, and each has a writer of its own.
"""

import gc
import resource
import socket
import sys
from contextlib import suppress
from typing import Final

import msgspec
import uvicorn

from api.app import create_app
from api.connections import Connection
from ledger.settings import Settings
from scripts.service.assignment import Assignment
from scripts.service.children import end_with

FINISH_SECONDS: Final = 5  # for what is being answered when we are asked to leave
KEEP_ALIVE_SECONDS: Final = 75  # longer than what usually stands in front of a service


class Server(uvicorn.Server):
    """Says when it is ready, on standard output."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; then it is known which objects stay."""
        await super().startup(sockets)
        _settle_collector()
        sys.stdout.write("ready\n")
        sys.stdout.flush()


def _settle_collector() -> None:
    """Collect rarely, and never what the program itself is made of.

    Measured: with Python's default thresholds the collector takes a third of the hot path's time,
    walking modules and reference data that no cycle of a request ever touches.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


def _may_open_files() -> None:
    """As many as the system lets us: by default it is fewer than a worker has connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems say "unlimited", and mean less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Serve until SIGTERM: stop accepting, finish, answer, leave."""
    end_with(int(sys.argv[1]))
    _may_open_files()
    told = msgspec.json.decode(sys.stdin.buffer.readline(), type=Assignment)
    config = uvicorn.Config(
        create_app(Settings(**told.settings), told.database),
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    Server(config).run(sockets=[socket.socket(fileno=told.listener)])


if __name__ == "__main__":
    main()
