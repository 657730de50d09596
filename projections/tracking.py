"""How far each read model has come: the library's tracking, in the read schema."""

from eventsourcing.persistence import IntegrityError, Tracking, TrackingRecorder

from projections.projection import Connection

APPLICATION = "ledger"  # whose log is followed: each ledger has a database schema of its own

DDL = """
CREATE TABLE IF NOT EXISTS projection_tracking (
    projection text NOT NULL,
    application_name text NOT NULL,
    notification_id bigint NOT NULL,
    PRIMARY KEY (projection, application_name)
) WITH (fillfactor = 10)
"""

_INSERT = """
INSERT INTO projection_tracking AS kept (projection, application_name, notification_id)
VALUES (%b, %b, %b)
ON CONFLICT (projection, application_name) DO UPDATE
    SET notification_id = excluded.notification_id
    WHERE kept.notification_id < excluded.notification_id
"""
_MAX = """
SELECT notification_id FROM projection_tracking WHERE projection = %b AND application_name = %b
"""
_ADVANCE = """
UPDATE projection_tracking SET notification_id = %b
WHERE projection = %b AND application_name = %b AND notification_id = %b
"""


class ProjectionTracking(TrackingRecorder):
    """The tracking of one read model, in whatever transaction its connection is in."""

    def __init__(self, connection: Connection, projection: str) -> None:
        self._connection = connection
        self._projection = projection

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move on to a later position.

        Raises:
            IntegrityError: the position is not later than the one recorded.
        """
        key = (self._projection, tracking.application_name)
        done = self._connection.execute(_INSERT, [*key, tracking.notification_id])
        if done.rowcount != 1:
            raise IntegrityError(f"{key} is already at {tracking.notification_id} or later")

    def max_tracking_id(self, application_name: str) -> int | None:
        """The recorded position, or None before the first."""
        row = self._connection.execute(_MAX, [self._projection, application_name]).fetchone()
        return int(row[0]) if row else None

    def advance(self, since: int, until: int) -> None:
        """Move from exactly `since` to `until`; the row stays locked until the commit.

        Raises:
            IntegrityError: somebody else has moved it.
        """
        done = self._connection.execute(_ADVANCE, [until, self._projection, APPLICATION, since])
        if done.rowcount != 1:
            raise IntegrityError(f"{self._projection} is no longer at {since}")
