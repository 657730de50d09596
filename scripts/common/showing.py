"""What commands print: words for people on a terminal, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ledger.batch import Recorded

WIDEST: Final = 10_000
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


@cache
def console() -> Console:
    """Standard output. Rich honours NO_COLOR and leaves out what a file can't show."""
    return Console(highlight=False)


def say(line: str) -> None:
    """A line for people."""
    console().print(line, markup=False, soft_wrap=True)


def warn(line: str) -> None:
    """A line for people that no program reads by mistake: on standard error."""
    typer.secho(line, err=True, fg="yellow")


def say_done(what: str, done: Recorded) -> None:
    """What has happened, and where the log has it."""
    again = ", as it had before" if done.replayed else ""
    say(f"{what}{again} (position {done.position}).")


def say_once(what: str, done: Recorded | None) -> None:
    """The same of what may be so already: then nothing has happened."""
    if done is None:
        say(f"{what} already.")
    else:
        say_done(what, done)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A table. A column whose title begins with `>` is of numbers; a cell's text is no markup.

    Where it is too wide for its words, each row stands as lines of its own.
    """
    say(title)
    found = [list(row) for row in rows]
    table = _table(columns, found)
    if _least_width(table) <= console().width:
        console().print(table)
    else:
        _print_lines([column.lstrip(">") for column in columns], found)


def print_definition(term: str, meaning: str) -> None:
    """A term on a line, and below it, further in, what it means."""
    console().print(Text(term))
    console().print(Padding(Text(meaning), (0, 0, 0, 4)))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    table = Table(box=box.SIMPLE, collapse_padding=True)
    for column in columns:
        number = column.startswith(">")
        table.add_column(
            column.lstrip(">"),
            justify="right" if number else "left",
            no_wrap=number,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return table


def _least_width(table: Table) -> int:
    """The width below which a word would have to be broken."""
    anything = console().options.update(max_width=WIDEST)
    return Measurement.get(console(), anything, table).minimum


def _print_lines(titles: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    widest = max(map(len, titles))
    for row in rows:
        console().print()
        for title, cell in zip(titles, row, strict=True):
            console().print(f"  {title:<{widest}}  {cell}", markup=False, soft_wrap=True)
    console().print()


def print_json(value: object) -> None:
    """One line of JSON."""
    sys.stdout.write(_encode(value).decode() + "\n")
    sys.stdout.flush()


def counted(count: int, thing: str) -> str:
    """How many there are: `1 event`, `9,000 carnets`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def moment(instant: datetime) -> str:
    """An instant as people read it: `2022-03-14 12:05 UTC`."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def euros(cents: int) -> str:
    """Cents as people read them: `4,500.00 €`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d} €"


def plain_euros(cents: int) -> str:
    """Cents as a command takes them: `4500.00`."""
    return f"{cents // 100}.{cents % 100:02d}"
