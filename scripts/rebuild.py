"""`souche rebuild`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ledger.postgres import Database
from projections.checking import Difference, check
from projections.projection import AnyProjection
from projections.rebuild import rebuild as make_anew
from projections.registry import READ_MODELS
from scripts.common.ending import Exit
from scripts.common.helping import examples
from scripts.common.options import Data, Json, existing, new_app
from scripts.common.progress import bar_of
from scripts.common.showing import print_json, print_table, say
from scripts.common.working import opened

app = new_app()


@app.command(epilog=examples("souche rebuild", "souche rebuild balances", "souche rebuild --check"))
def rebuild(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL...",
            help=f"{', '.join(each.name for each in READ_MODELS)}; else all of them.",
        ),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--check", help="Compare only, row by row; exit 1 where they differ.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make read models anew from the first event, beside the live ones, and put them in place.

    Readers see the old tables until the new ones are there.
    """
    wanted = _named(models)
    with opened(existing(data)) as database:
        if not compare:
            with _bar("rebuild") as advance:
                make_anew(database, wanted, advance)
            say(f"Made anew: {', '.join(each.name for each in wanted)}.")
            return
        found = _compare(database, wanted)
    if json:
        print_json({"differences": found})
    elif found:
        rows = [
            [each.table, f"{each.live_rows:,}", f"{each.missing_rows:,}", "\n".join(each.examples)]
            for each in found
        ]
        print_table("Not what the log says", ["Table", ">Surplus", ">Missing", "Such as"], rows)
    else:
        say(f"The same as the log says: {', '.join(each.name for each in wanted)}.")
    if found:
        raise typer.Exit(Exit.FAILED)


def _named(names: list[str] | None) -> tuple[AnyProjection, ...]:
    known = {each.name: each for each in READ_MODELS}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise typer.BadParameter(f"no read model {unknown[0]!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in names) if names else READ_MODELS


def _compare(database: Database, wanted: tuple[AnyProjection, ...]) -> list[Difference]:
    with _bar("compare") as advance:
        return check(database, wanted, advance)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told positions: the one reached, and the one to reach."""
    with bar_of(what, None) as (bar, task):
        yield lambda reached, target: bar.update(task, completed=reached, total=target)
