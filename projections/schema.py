"""The read schema: the tables of every read model at its present version."""

import psycopg
from psycopg import sql

from ledger.postgres import Database
from projections.connecting import connect, lock_keys
from projections.projection import AnyProjection, Connection
from projections.registry import READ_MODELS
from projections.tracking import APPLICATION
from projections.tracking import DDL as TRACKING

STATES = """
CREATE TABLE IF NOT EXISTS projection_states (
    projection text PRIMARY KEY,
    version integer NOT NULL,
    tables text[] NOT NULL,
    -- The position of the event that can't be applied, and why.
    stopped_at bigint,
    stopped_because text,

    CONSTRAINT projection_states_stopped CHECK ((stopped_at IS NULL) = (stopped_because IS NULL))
)
"""

_READY = """
SELECT count(*) FROM projection_states
JOIN unnest(%b::text[], %b::int[]) AS ours (projection, version) USING (projection, version)
"""
_ENROL = """
INSERT INTO projection_states (projection, version, tables) VALUES (%b, %b, %b)
ON CONFLICT (projection) DO UPDATE SET version = excluded.version, tables = excluded.tables,
    stopped_at = NULL, stopped_because = NULL
"""
_FROM_ZERO = """
INSERT INTO projection_tracking (projection, application_name, notification_id) VALUES (%b, %b, 0)
ON CONFLICT (projection, application_name) DO UPDATE SET notification_id = 0
"""


class NewerReadModelError(RuntimeError):
    """The read model was made by a later version of the program, which shall keep it."""


def prepare_read_models(database: Database) -> None:
    """Create what is missing, so that readers find empty tables rather than none.

    Any number of processes may do this at once, each as often as it likes.
    """
    with connect(database) as connection:
        prepare(connection, database, READ_MODELS)


def prepare(
    connection: Connection, database: Database, projections: tuple[AnyProjection, ...]
) -> None:
    """Create the tables of new read models; make those of an older version anew, empty.

    Raises:
        NewerReadModelError: a table is of a version that this program doesn't know.
    """
    if _is_ready(connection, projections):
        return
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(%b, %b)", lock_keys(database, "read schema")
        )
        connection.execute(TRACKING)
        connection.execute(STATES)
        for projection in projections:
            _bring_up(connection, projection)


def start_over(connection: Connection, projection: AnyProjection) -> None:
    """Drop the read model's tables and make them anew, at position 0."""
    row = connection.execute(
        "SELECT tables FROM projection_states WHERE projection = %b", [projection.name]
    ).fetchone()
    for table in reversed(row[0] if row else ()):
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_name(table)))
    connection.execute(projection.ddl, prepare=False)  # several statements
    enrolment = [projection.name, projection.version, list(projection.tables)]
    connection.execute(_ENROL, enrolment)
    connection.execute(_FROM_ZERO, [projection.name, APPLICATION])


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(table)


def _is_ready(connection: Connection, projections: tuple[AnyProjection, ...]) -> bool:
    ours = [[p.name for p in projections], [p.version for p in projections]]
    try:
        row = connection.execute(_READY, ours).fetchone()
    except psycopg.errors.UndefinedTable:
        return False
    return row == (len(projections),)


def _bring_up(connection: Connection, projection: AnyProjection) -> None:
    row = connection.execute(
        "SELECT version FROM projection_states WHERE projection = %b", [projection.name]
    ).fetchone()
    there = row[0] if row else 0
    if there > projection.version:
        raise NewerReadModelError(
            f"{projection.name} is at version {there}; this program makes {projection.version}"
        )
    if there < projection.version:
        start_over(connection, projection)
