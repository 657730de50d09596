"""Read models made anew in temporary tables, beside the live ones.

Temporary tables hide the live ones of the same name, so the read models' own statements fill
them; nobody else sees them, and nothing is left of them when the connection ends.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from psycopg import sql

from ledger.postgres import Database
from ledger.postgres.roles import Roles
from projections.connecting import connect
from projections.projection import AnyProjection, Connection
from projections.schema import create_bookkeeping, start_over
from projections.stepping import catch_up
from projections.tracking import APPLICATION

TEMPORARY: Final = "pg_temp"

Progress = Callable[[int, int], None]  # the position reached, and the one to reach

_LIVE: Final = """
SELECT s.version, t.notification_id, s.stopped_at, s.stopped_because
FROM {live}.projection_states AS s JOIN {live}.projection_tracking AS t USING (projection)
WHERE projection = %s AND application_name = %s
"""
_REACHED: Final = """
SELECT t.notification_id, s.stopped_at, s.stopped_because
FROM projection_tracking AS t JOIN projection_states AS s USING (projection)
WHERE projection = %s AND application_name = %s
"""


class RebuildError(RuntimeError):
    """A read model could not be made anew; the live one is as it was."""


class Live(NamedTuple):
    """A live read model: how it is made, how far it has come, and where it stopped, if it did."""

    version: int = 0
    position: int = 0
    stopped_at: int | None = None  # the position of the event that it can't apply
    stopped_because: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A connection whose unqualified names are those of the temporary tables."""

    connection: Connection
    live: str  # schema
    log: str  # schema

    def query(self, text: str, table: str = "") -> sql.Composed:
        """`text` with the live schema and a table filled in."""
        return sql.SQL(text).format(live=sql.Identifier(self.live), table=sql.Identifier(table))

    def live_state(self, projection: AnyProjection, lock: str = "") -> Live:
        """How the live read model does; zeros where there is none yet."""
        key = [projection.name, APPLICATION]
        row = self.connection.execute(self.query(_LIVE + lock), key).fetchone()
        return Live(*row) if row else Live()

    def reach(
        self, projections: Sequence[AnyProjection], target: int, progress: Progress | None = None
    ) -> None:
        """Take the read models made anew to `target`.

        Raises:
            RebuildError: an event can't be applied.
        """
        catch_up(self.connection, {p.name: p for p in projections}, target, progress)
        for projection in projections:
            key = [projection.name, APPLICATION]
            row = self.connection.execute(_REACHED, key).fetchone()
            position, stopped_at, because = row or (0, None, None)
            if position < target:
                raise RebuildError(f"{projection.name} stopped at position {stopped_at}: {because}")


@contextmanager
def beside(database: Database, projections: Sequence[AnyProjection]) -> Iterator[Beside]:
    """The read models anew, empty."""
    live = Roles(database.schema).read_schema
    with connect(database) as connection, connection.transaction():
        create_bookkeeping(connection, database)
    with connect(database, TEMPORARY) as connection:
        with connection.transaction():
            create_bookkeeping(connection, database)
            for projection in projections:
                start_over(connection, projection)
        yield Beside(connection, live, database.schema)
