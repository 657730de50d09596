"""What commands print: words for people on a terminal, JSON for programs."""

import sys
from functools import cache
from typing import Final

import msgspec
from rich.console import Console

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


@cache
def console() -> Console:
    """Standard output. Rich honours NO_COLOR and leaves out what a file can't show."""
    return Console(highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """A line for people."""
    console().print(line, markup=False)


def print_json(value: object) -> None:
    """One line of JSON."""
    sys.stdout.write(_encode(value).decode() + "\n")
    sys.stdout.flush()


def euros(cents: int) -> str:
    """Cents as people read them: `4,500.00 €`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d} €"
