"""`souche rebuild`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer

from projections.checking import Compared, Difference, compare
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
    only_compare: Annotated[
        bool,
        typer.Option(
            "--check", help="Compare only, row by row; exit 1 where they differ or have stopped."
        ),
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make read models anew from the first event, beside the live ones, and put them in place.

    Readers see the old tables until the new ones are there.
    """
    wanted = _named(models)
    with opened(existing(data)) as database:
        if not only_compare:
            with _bar("rebuild") as advance:
                make_anew(database, wanted, advance)
            say(f"Made anew: {', '.join(each.name for each in wanted)}.")
            return
        with _bar("compare") as advance:
            found = compare(database, wanted, advance)
    differences = [each for model in found for each in model.differences]
    if json:
        print_json({"differences": differences, "read_models": [_as_object(x) for x in found]})
    else:
        _tell(found, differences)
    if differences or any(model.stopped_at is not None for model in found):
        raise typer.Exit(Exit.FAILED)


def _as_object(model: Compared) -> dict[str, Any]:
    """How far it was compared; the differences stand beside it."""
    return {name: told for name, told in asdict(model).items() if name != "differences"}


def _tell(found: list[Compared], differences: list[Difference]) -> None:
    if differences:
        rows = [
            [each.table, f"{each.live_rows:,}", f"{each.missing_rows:,}", "\n".join(each.examples)]
            for each in differences
        ]
        print_table("Not what the log says", ["Table", ">Surplus", ">Missing", "Such as"], rows)
    same = [model for model in found if not model.differences]
    if whole := [model.projection for model in same if not model.events_behind]:
        say(f"The same as the log says: {', '.join(whole)}.")
    for model in same:
        if model.events_behind:
            size = model.position + model.events_behind
            say(f"The same up to position {model.position:,} of {size:,}: {model.projection}.")
    for model in found:
        if model.stopped_at is not None:
            say(f"{model.projection} stopped at {model.stopped_at:,}: {model.stopped_because}")
            say(f"It takes nothing more. `souche event {model.stopped_at}` shows that event.")


def _named(names: list[str] | None) -> tuple[AnyProjection, ...]:
    known = {each.name: each for each in READ_MODELS}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise typer.BadParameter(f"no read model {unknown[0]!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in names) if names else READ_MODELS


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told positions: the one reached, and the one to reach."""
    with bar_of(what, None) as (bar, task):
        yield lambda reached, target: bar.update(task, completed=reached, total=target)
