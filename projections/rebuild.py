"""Read models made anew from the first event, and put in the place of the live ones."""

from collections.abc import Sequence
from time import sleep

from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable

from ledger.postgres import Database
from projections.beside import TEMPORARY, Beside, Progress, RebuildError, beside
from projections.pages import head
from projections.projection import AnyProjection
from projections.registry import READ_MODELS
from projections.schema import start_over
from projections.tracking import APPLICATION, ProjectionTracking

ATTEMPTS = 20


def rebuild(
    database: Database,
    projections: Sequence[AnyProjection] = READ_MODELS,
    progress: Progress | None = None,
) -> None:
    """Make read models anew and put them in place of the live ones, each in one transaction.

    Readers see the old tables until then, and never a position behind one that they have seen.

    Raises:
        RebuildError: an event can't be applied, or the live tables are never free.
    """
    with beside(database, projections) as at:
        for _ in range(2):  # the second time for what came meanwhile
            at.reach(projections, head(at.connection), progress)
        for projection in projections:
            _put_in_place(at, projection)


def _put_in_place(at: Beside, projection: AnyProjection) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _swap(at, projection)
        except (LockNotAvailable, DeadlockDetected) as e:  # long readers of the live tables
            if attempt == ATTEMPTS:
                raise RebuildError(f"{projection.name} is in use: {e}") from e
            sleep(0.1)
        else:
            return


def _swap(at: Beside, projection: AnyProjection) -> None:
    run = at.connection.execute
    with at.connection.transaction():
        run("SET LOCAL lock_timeout = '500ms'")
        # From here on the live read model stands still.
        at.reach([projection], at.live_state(projection, " FOR UPDATE OF t").position)
        position = ProjectionTracking(at.connection, projection.name).max_tracking_id(APPLICATION)
        # From here on unqualified names are the live ones.
        path = sql.SQL(", ").join(map(sql.Identifier, (at.live, at.log, TEMPORARY)))
        run(sql.SQL("SET LOCAL search_path = {}").format(path))
        start_over(at.connection, projection)
        for table in projection.tables:
            run(at.query("INSERT INTO {live}.{table} SELECT * FROM pg_temp.{table}", table))
        ProjectionTracking(at.connection, projection.name).advance(0, position or 0)
