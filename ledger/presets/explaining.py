"""A preset as a table that people read: every value, and where it is from."""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from ledger.presets.model import Preset, Source

LAST_YEAR: Final = 9_999  # larger numbers are counts, and have their thousands set apart


class Explained(msgspec.Struct, frozen=True):
    """A line of the table."""

    path: str
    value: str
    basis: Literal["source", "assumed"]
    because: str  # the article and how it was read, or why the value was chosen


def explain(preset: Preset) -> Iterator[Explained]:
    """Every value, in the order of the file."""
    for path, value in preset.values.items():
        origin = preset.provenance[path]
        basis: Literal["source", "assumed"] = "source" if origin.source else "assumed"
        yield Explained(path, shown(path, value), basis, origin.text)


def cited(preset: Preset) -> tuple[Source, ...]:
    """The articles that it is taken from, in the order in which it names them."""
    sources = (origin.source for origin in preset.provenance.values())
    return tuple(dict.fromkeys(source for source in sources if source is not None))


def shown(path: str, value: object) -> str:
    """A value as people read it: `450,000.00 €`, `45,000`, `5, 10`, `regions 27`."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int() if path.endswith("_cents"):
            return f"{value // 100:,}.{value % 100:02d} €"
        case int() if value > LAST_YEAR:
            return f"{value:,}"
        case list():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return " ".join(shown(path, part) for part in value.values())
        case _:
            return str(value)
