"""Progress of long work: on standard error, and only where somebody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar for the length of a block. Call what you are given with each step's size."""
    with bar_of(what, total) as (bar, task):
        yield lambda step: bar.advance(task, step)


@contextmanager
def bar_of(what: str, total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    """The bar itself, for whoever has more to tell it."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as bar:
        yield bar, bar.add_task(what, total=total)
