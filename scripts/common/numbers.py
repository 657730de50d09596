"""Whole numbers as people type them: digits alone.

Left to itself, typer takes 1.000 for one and 10_0 for a hundred.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import typer

LARGEST_PORT: Final = 65_535

_digits: Final = re.compile(r"[0-9]+").fullmatch


def whole(least: int, most: int) -> Callable[[object], int]:
    """What typer calls on a text, or on an option's default."""

    def parse(given: object) -> int:
        text = str(given)
        digits = text.lstrip("0") or "0"  # Python itself reads no more than 4 300
        if _digits(text) and len(digits) <= len(str(most)) and least <= int(digits) <= most:
            return int(digits)
        form = "digits alone, no point, no space, no sign"
        raise typer.BadParameter(f"{text!r} is not a whole number from {least} to {most}: {form}")

    return parse


def number_option(metavar: str, told: str, *, least: int = 1, most: int) -> Any:  # noqa: ANN401 (as typer's)
    """An option that takes a whole number."""
    return typer.Option(metavar=metavar, min=least, max=most, parser=whole(least, most), help=told)
