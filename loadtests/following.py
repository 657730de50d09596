"""The read models under load: how fast they catch up, and how far behind they fall."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from ledger.postgres import Database
from ledger.postgres.roles import Roles
from projections.connecting import reader_conninfo
from projections.process import start_projections
from projections.schema import prepare_read_models
from projections.tracking import APPLICATION

WATCHED = ["balances", "payouts"]
EVERY = 0.02  # seconds between looks
PATIENCE = 180  # seconds to catch up

POSITIONS = sql.SQL(
    "SELECT size, (SELECT min(notification_id) FROM {}.projection_tracking"
    " WHERE application_name = {} AND projection = ANY({})) FROM log_head"
)


class FollowingError(RuntimeError):
    """The read models did not catch up."""


@dataclass(frozen=True, slots=True)
class Look:
    """Where the log and the slower of the read models were, and when."""

    at: float
    head: int
    position: int


def look(connection: psycopg.Connection, database: Database) -> Look:
    """Look once, on a connection that reads read models."""
    schema = sql.Identifier(Roles(database.schema).read_schema)
    row = connection.execute(POSITIONS.format(schema, APPLICATION, WATCHED)).fetchone()
    head, position = row or (0, 0)
    return Look(time.monotonic(), head, position or 0)


def lag_seconds(looks: list[Look]) -> float:
    """The worst lag: how old was the first event that a read model did not have yet.

    The head's growth dates the events, to within the time between two looks.
    """
    worst, written = 0.0, 0
    for look in looks:
        while looks[written].head <= look.position and looks[written] is not look:
            written += 1
        if look.position < look.head:
            worst = max(worst, look.at - looks[written].at)
    return worst


@dataclass(slots=True)
class Follower:
    """The projections' process, and what is seen of it."""

    database: Database
    process: subprocess.Popen[bytes]
    looks: list[Look] = field(default_factory=list)

    def catch_up(self) -> float:
        """Wait until no event is missing; return the events taken a second.

        Raises:
            FollowingError: it takes too long, or the process has ended.

        """
        with self._connected() as connection:
            first = now = look(connection, self.database)
            while now.position < now.head:
                if self.process.poll() is not None or now.at - first.at > PATIENCE:
                    raise FollowingError(f"at {now.position} of {now.head}")
                time.sleep(EVERY)
                now = look(connection, self.database)
                if now.position == first.position:
                    first = now  # it has not begun
        taken, seconds = now.position - first.position, now.at - first.at
        return taken / seconds if seconds else 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look all the time while the block runs."""
        self.looks.clear()
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _watch(self, over: threading.Event) -> None:
        with self._connected() as connection:
            while not over.wait(EVERY):
                self.looks.append(look(connection, self.database))

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(reader_conninfo(self.database), autocommit=True)


@contextmanager
def following(database: Database) -> Iterator[Follower]:
    """Run the projections for the length of a block, as `souche serve` does."""
    prepare_read_models(database)
    process = start_projections(database)
    try:
        yield Follower(database, process)
    finally:
        process.terminate()
        process.communicate()  # which also closes the pipe that told it where the ledger is
