"""One page for each of several read models, which share it where they stand at one position."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from eventsourcing.persistence import IntegrityError

from projections.applying import apply
from projections.pages import PAGE, read_page
from projections.projection import AnyProjection, Connection
from projections.tracking import APPLICATION

_POSITIONS = """
SELECT projection, notification_id FROM projection_tracking
JOIN projection_states USING (projection)
JOIN unnest(%b::text[], %b::int[]) AS ours (projection, version) USING (projection, version)
WHERE application_name = %b AND stopped_at IS NULL
ORDER BY notification_id
"""


def step(
    connection: Connection,
    projections: Mapping[str, AnyProjection],
    until: int,
    page: int = PAGE,
) -> bool:
    """Take each read model a page further, to `until` at most. True when there is more to do.

    All who come near `until` land on it, so those who start apart end up sharing their pages.
    """
    behind = False
    for since, group in _by_position(connection, projections).items():
        if since >= until:
            continue
        end = min(since + page, until)
        topics = frozenset[str]().union(*(projection.topics for projection in group))
        batch = read_page(connection, since, end, topics)
        for projection in group:
            try:
                apply(connection, projection, batch)
            except IntegrityError:  # a rebuild or another process has moved it: look again
                behind = True
        behind = behind or end < until
    return behind


def catch_up(
    connection: Connection,
    projections: Mapping[str, AnyProjection],
    until: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Take read models to `until`; those that stop on the way stay where they are."""
    behind = True
    while behind:
        behind = step(connection, projections, until)
        if progress:
            reached = min(_by_position(connection, projections), default=until)
            progress(reached, until)


def _by_position(
    connection: Connection, projections: Mapping[str, AnyProjection]
) -> dict[int, list[AnyProjection]]:
    """Those that are of this program's version and have not stopped, by where they stand."""
    versions = [projection.version for projection in projections.values()]
    rows = connection.execute(_POSITIONS, [list(projections), versions, APPLICATION]).fetchall()
    groups: dict[int, list[AnyProjection]] = defaultdict(list)
    for name, position in rows:
        groups[position].append(projections[name])
    return groups
