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

    Those of a newer version are left alone: the program that made them keeps them.
    """
    if _is_ready(connection, projections):
        return
    with connection.transaction():
        create_bookkeeping(connection, database)
        for projection in projections:
            _bring_up(connection, projection)


def create_bookkeeping(connection: Connection, database: Database) -> None:
    """Create the tables that all read models share; hold the schema until the transaction ends."""
    keys = lock_keys(database, "read schema")
    connection.execute("SELECT pg_advisory_xact_lock(%b, %b)", keys)
    connection.execute(TRACKING)
    connection.execute(STATES)


def start_over(connection: Connection, projection: AnyProjection) -> None:
    """Drop the read model's tables and make them anew, at position 0."""
    drop_tables(connection, projection.name)
    connection.execute(projection.ddl, prepare=False)  # several statements
    connection.execute(_ENROL, [projection.name, projection.version, list(projection.tables)])
    connection.execute(_FROM_ZERO, [projection.name, APPLICATION])


def drop_tables(connection: Connection, name: str) -> None:
    """Drop the tables of a read model, whichever version made them; none of another schema."""
    rows = connection.execute(
        "SELECT current_schema(), unnest(tables) FROM projection_states WHERE projection = %b",
        [name],
    ).fetchall()
    for schema, table in reversed(rows):
        query = sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema, table))
        connection.execute(query)


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
    if row is None or row[0] < projection.version:
        start_over(connection, projection)
