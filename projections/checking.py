"""Live read models against the log: rebuilt beside them and compared, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.postgres import Database
from projections.beside import Beside, Progress, RebuildError, beside
from projections.pages import head
from projections.projection import AnyProjection
from projections.registry import READ_MODELS

EXAMPLES = 5  # rows of a difference

_ONLY_LIVE: Final = """
SELECT count(*) OVER (), only_live::text
FROM (TABLE {live}.{table} EXCEPT ALL TABLE pg_temp.{table}) AS only_live LIMIT %s
"""
_ONLY_IN_THE_LOG: Final = """
SELECT count(*) OVER (), only_in_the_log::text
FROM (TABLE pg_temp.{table} EXCEPT ALL TABLE {live}.{table}) AS only_in_the_log LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A table in which the live read model isn't what the log says."""

    table: str
    position: int  # the log's, at which the two were compared
    live_rows: int  # that the log doesn't give
    missing_rows: int  # that it gives, and the live table lacks
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A live read model beside what the log says, as far as the live one has come."""

    projection: str
    position: int  # the log's, up to which the two were compared
    events_behind: int  # that the live one has not taken, so that nothing was compared
    stopped_at: int | None  # the position of the event that it can't apply
    stopped_because: str | None
    differences: tuple[Difference, ...]


def compare(
    database: Database,
    projections: Sequence[AnyProjection] = READ_MODELS,
    progress: Progress | None = None,
) -> list[Compared]:
    """Rebuild up to the live position and compare, row by row. The live ones are not held up.

    Raises:
        RebuildError: as for `rebuild`, or a live read model is of another version.
    """
    with beside(database, projections) as at:
        target = min(at.live_state(projection).position for projection in projections)
        at.reach(projections, target, progress)
        return [_compare(at, projection) for projection in projections]


def _compare(at: Beside, projection: AnyProjection) -> Compared:
    with at.connection.transaction():
        # One snapshot of the live tables and their position, while they move on.
        at.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        live = at.live_state(projection)
        if live.version != projection.version:
            raise RebuildError(f"the live {projection.name} is not of version {projection.version}")
        at.reach([projection], live.position)
        found = (_compare_table(at, table, live.position) for table in projection.tables)
        return Compared(
            projection=projection.name,
            position=live.position,
            events_behind=head(at.connection) - live.position,
            stopped_at=live.stopped_at,
            stopped_because=live.stopped_because,
            differences=tuple(each for each in found if each.live_rows or each.missing_rows),
        )


def _compare_table(at: Beside, table: str, position: int) -> Difference:
    run = at.connection.execute
    surplus = run(at.query(_ONLY_LIVE, table), [EXAMPLES]).fetchall()
    missing = run(at.query(_ONLY_IN_THE_LOG, table), [EXAMPLES]).fetchall()
    return Difference(
        table=table,
        position=position,
        live_rows=surplus[0][0] if surplus else 0,
        missing_rows=missing[0][0] if missing else 0,
        examples=(*(f"live {row}" for _, row in surplus), *(f"log {row}" for _, row in missing)),
    )
