"""Arguments and options that commands take, checked as the service checks its fields."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from api import fields
from ledger.values.codes import LARGEST_NUMBER
from ledger.values.ids import (
    NAME_PATTERN,
    PROGRAMME_PATTERN,
    RUN_PATTERN,
    SIRET_PATTERN,
    TERMINAL_PATTERN,
    UUID_PATTERN,
)
from scripts.common.numbers import number_option

# For people, in place of regular expressions.
PATTERNS: Final = {
    PROGRAMME_PATTERN: "2 to 8 digits and capital letters without I, L, O and U, such as BFC22",
    NAME_PATTERN: "1 to 40 letters, digits, dots, dashes and underscores, such as ml-belrive",
    RUN_PATTERN: "1 to 18 letters, digits and dashes, such as 2022-03",
    TERMINAL_PATTERN: "a terminal, such as t-0123456789ab",
    SIRET_PATTERN: "a SIRET of 14 digits",
    UUID_PATTERN: "a UUID in lower case, such as 0f8fad5b-d9cb-469f-a165-70867728950e",
    fields.TEXT_PATTERN: "a text on one line",
    fields.DAY_OF_YEAR_PATTERN: "a day of the year, written MM-DD",
    fields.REGION_PATTERN: "a region's INSEE code of 2 digits, such as 27",
    fields.DEPARTMENT_PATTERN: "a department's INSEE code, such as 21, 2A or 974",
    fields.AREA_PATTERN: "an INSEE code or a SIRET",
}
WORDS: Final = {"missing": "is missing", "extra_forbidden": "unknown key"}


def parser(kind: object, name: str) -> Callable[[str], Any]:
    """What typer calls on a text; a text that isn't one of the kind ends the command."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)  # type: ignore[arg-type]  # Annotated

    def parse(text: str) -> object:
        try:
            return adapter.validate_python(text)
        except ValidationError as e:
            raise typer.BadParameter(in_words(e.errors()[0])) from e

    parse.__name__ = name
    return parse


def upper(kind: object, name: str) -> Callable[[str], Any]:
    """As `parser`, for what may be typed in lower case."""
    parse = parser(kind, name)
    return lambda text: parse(text.upper())


def parse_siret(text: str) -> str:
    """A SIRET, which people write with spaces."""
    siret: str = _parse_siret("".join(text.split()))
    return siret


def in_words(error: ErrorDetails) -> str:
    """What is wrong with a value, for people: a pattern is told, not shown."""
    pattern = error.get("ctx", {}).get("pattern", "")
    if pattern in PATTERNS:
        return f"{error['input']!r} is not {PATTERNS[pattern]}"
    match error:
        case {"type": "date_from_datetime_parsing", "input": given}:
            return f"{given!r} is no day of the calendar"
        case {"type": "greater_than_equal", "input": int(given), "ctx": {"ge": least}}:
            return f"has to be at least {least}, and is {given}"
        case {"type": "less_than_equal", "input": int(given), "ctx": {"le": most}}:
            return f"has to be at most {most}, and is {given}"
        case {"type": "greater_than_equal" | "less_than_equal", "input": given}:
            return f"has to be from {fields.FIRST_DAY} to {fields.LAST_DAY}, and is {given}"
        case _:
            return WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ")


_parse_siret: Final = parser(fields.Siret, "SIRET")
Programme = Annotated[
    fields.Programme,
    typer.Argument(
        metavar="PROGRAMME", parser=upper(fields.Programme, "PROGRAMME"), help="Such as BFC22."
    ),
]
Order = Annotated[
    fields.Order,
    typer.Argument(
        metavar="ORDER", parser=parser(fields.Order, "ORDER"), help="Its name, such as first."
    ),
]
Venue = Annotated[
    fields.Venue,
    typer.Argument(metavar="SIRET", parser=parse_siret, help="The venue's."),
]
Terminal = Annotated[
    fields.Terminal,
    typer.Argument(
        metavar="TERMINAL",
        parser=parser(fields.Terminal, "TERMINAL"),
        help="Such as t-0123456789ab.",
    ),
]
Holder = Annotated[
    fields.Holder,
    typer.Argument(
        metavar="HOLDER", parser=parser(fields.Holder, "HOLDER"), help="Such as ml-belrive."
    ),
]
Run = Annotated[
    fields.Run,
    typer.Argument(metavar="RUN", parser=parser(fields.Run, "RUN"), help="Such as 2022-03."),
]
Text = Annotated[
    fields.Text, typer.Argument(metavar="NAME", parser=parser(fields.Text, "NAME"), help="In full.")
]
First = Annotated[
    int | None,
    number_option(
        "NUMBER", "Number of the first carnet; else the order's first.", most=LARGEST_NUMBER
    ),
]
Count = Annotated[
    int | None,
    number_option("CARNETS", "How many carnets; else all that follow.", most=LARGEST_NUMBER),
]

parse_day = parser(fields.Day, "DAY")
parse_holder = parser(fields.Holder, "HOLDER")
parse_text = parser(fields.Text, "TEXT")
parse_name = parser(fields.Name, "NAME")
Held = Annotated[
    fields.Holder,
    typer.Option("--holder", metavar="HOLDER", parser=parse_holder, help="Who has them."),
]
