"""Read models that are up to date, whether or not a service keeps them so."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ledger.postgres import Database
from projections.projection import AsyncConnection
from projections.runner import run_projections

_SIZE: Final = "SELECT size FROM log_head WHERE id = 1"


async def log_size(views: AsyncConnection) -> int:
    """How many events the log has: the position of the last one."""
    cursor = await views.execute(_SIZE)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


@contextmanager
def followed(database: Database) -> Iterator[None]:
    """Follow the log for as long as a command reads. Where a service does, it goes on to."""
    stop = threading.Event()
    thread = threading.Thread(target=run_projections, args=(database, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
