"""Arguments and options that commands take, checked as the service checks its fields."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from api import fields
from ledger.values.ids import HolderId, OrderId, ProgrammeId, RunId, TerminalId, VenueId


def parser(kind: object, name: str) -> Callable[[str], Any]:
    """What typer calls on a text; a text that isn't one of the kind ends the command."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)  # type: ignore[arg-type]  # Annotated

    def parse(text: str) -> object:
        try:
            return adapter.validate_python(text)
        except ValidationError as e:
            raise typer.BadParameter(e.errors()[0]["msg"]) from e

    parse.__name__ = name
    return parse


def upper(kind: object, name: str) -> Callable[[str], Any]:
    """As `parser`, for what may be typed in lower case."""
    parse = parser(kind, name)
    return lambda text: parse(text.upper())


Programme = Annotated[
    ProgrammeId,
    typer.Argument(
        metavar="PROGRAMME", parser=upper(fields.Programme, "PROGRAMME"), help="Such as BFC22."
    ),
]
Order = Annotated[
    OrderId,
    typer.Argument(metavar="ORDER", parser=parser(fields.Order, "ORDER"), help="Its name."),
]
Venue = Annotated[
    VenueId,
    typer.Argument(metavar="SIRET", parser=parser(fields.Venue, "SIRET"), help="The venue's."),
]
Terminal = Annotated[
    TerminalId,
    typer.Argument(
        metavar="TERMINAL", parser=parser(fields.Terminal, "TERMINAL"), help="t-0123456789ab."
    ),
]
Holder = Annotated[
    HolderId,
    typer.Argument(
        metavar="HOLDER", parser=parser(fields.Holder, "HOLDER"), help="Such as ml-belrive."
    ),
]
Run = Annotated[
    RunId,
    typer.Argument(metavar="RUN", parser=parser(fields.Run, "RUN"), help="Such as 2022-03."),
]
Text = Annotated[
    str, typer.Argument(metavar="NAME", parser=parser(fields.Text, "NAME"), help="In full.")
]
First = Annotated[
    int | None, typer.Option(min=1, help="Number of the first carnet; else the order's first.")
]
Count = Annotated[int | None, typer.Option(min=1, help="How many carnets; else all that follow.")]

parse_day = parser(fields.Day, "DAY")
parse_holder = parser(fields.Holder, "HOLDER")
parse_text = parser(fields.Text, "TEXT")
parse_name = parser(fields.Name, "NAME")
