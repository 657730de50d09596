"""Keeps read models up to date: one connection, one thread, whole pages at a time.

Woken by NOTIFY, and by itself twice a second in case one got lost. Under load it pauses between
rounds, so that each takes more events: the cost is by the round as much as by the event.
"""

import logging
from time import monotonic
from typing import Protocol

import psycopg
from psycopg import sql

from ledger.postgres import Database
from projections.connecting import connect, lead_keys
from projections.pages import head
from projections.projection import AnyProjection, Connection
from projections.registry import READ_MODELS
from projections.schema import prepare
from projections.stepping import step

ROUND_SECONDS = 0.25  # from one round to the next, at least
POLL_SECONDS = 0.5  # from one look at the log to the next, at most
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0  # seconds before another connection is tried

log = logging.getLogger(__name__)

_LEAD = "SELECT pg_try_advisory_lock(%b, %b)"
_TRY_AGAIN = """
UPDATE projection_states SET stopped_at = NULL, stopped_because = NULL
WHERE projection = %b AND stopped_at IS NOT NULL
"""


class StopEvent(Protocol):
    """`threading.Event`, or one of `multiprocessing`."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


def run_projections(
    database: Database,
    stop: StopEvent,
    projections: tuple[AnyProjection, ...] = READ_MODELS,
) -> None:
    """Follow the log until `stop` is set, whatever becomes of the connection."""
    delay = FIRST_DELAY
    while not stop.is_set():
        began = monotonic()
        try:
            with connect(database) as connection:
                Follower(connection, database, projections).follow(stop)
        except psycopg.Error as e:
            log.warning("projections will connect again: %s", e)
            delay = FIRST_DELAY if monotonic() - began > LONGEST_DELAY else delay * 2
            stop.wait(min(delay, LONGEST_DELAY))


class Follower:
    """Follows the log on one connection, which also holds the locks of what it leads.

    A lost connection thus loses the lead with it, and another process takes over.
    """

    def __init__(
        self,
        connection: Connection,
        database: Database,
        projections: tuple[AnyProjection, ...],
    ) -> None:
        self._connection = connection
        self._database = database
        self._projections = projections
        self._leads: dict[str, AnyProjection] = {}

    def follow(self, stop: StopEvent) -> None:
        """Until `stop` is set, or the connection is lost."""
        prepare(self._connection, self._database, self._projections)
        channel = sql.Identifier(self._database.channel)
        self._connection.execute(sql.SQL("LISTEN {}").format(channel))
        while not stop.is_set():
            began = monotonic()
            self._take_leads()
            while step(self._connection, self._leads, head(self._connection)):
                self._forget_wake_ups()
                if stop.is_set():
                    return
            self._sleep(stop, began)

    def _take_leads(self) -> None:
        """Lead whatever nobody leads. A new lead tries again what the last one stopped at."""
        for projection in self._projections:
            if projection.name in self._leads:
                continue
            keys = lead_keys(self._database, projection.name, projection.version)
            if self._connection.execute(_LEAD, keys).fetchone() == (True,):
                self._connection.execute(_TRY_AGAIN, [projection.name])
                self._leads[projection.name] = projection

    def _sleep(self, stop: StopEvent, began: float) -> None:
        for _ in self._connection.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass
        stop.wait(max(0.0, began + ROUND_SECONDS - monotonic()))
        self._forget_wake_ups()

    def _forget_wake_ups(self) -> None:
        """They announce what the next look at the log's head shows anyway."""
        for _ in self._connection.notifies(timeout=0):
            pass
