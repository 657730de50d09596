"""The print file: the codes of an order in clear, for the printer and nobody else."""

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO

import msgspec
import typer

from ledger.service import IssuedCarnet
from ledger.values.codes import parse_code, shown
from ledger.values.ids import CarnetId, carnet_id

PRIVATE: Final = 0o600
_LONGEST_LINE: Final = 65_536  # bytes; a carnet of 99 tickets has 3 000
_OURS: Final = re.compile(r".*\.(seed(\.[0-9]+)?|lock)", re.IGNORECASE)  # beside a print file


class Format(StrEnum):
    """What the printer reads."""

    JSONL = "jsonl"  # a carnet a line: {"carnet": …, "codes": […]}
    CSV = "csv"  # a ticket a line: carnet, ticket, code


class PrintedCarnet(msgspec.Struct):
    """A line of a print file in JSON lines."""

    carnet: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FirstCode:
    """What a print file begins with."""

    form: Format
    carnet: CarnetId


def parse_print_file(text: str) -> Path:
    """What typer calls on the name of a print file; what can't be one ends the command."""
    path = Path(text)
    if not path.name or text.endswith(os.sep) or os.path.isdir(path):  # noqa: PTH112 (never raises)
        raise typer.BadParameter(f"{text!r} is no file: name the one that the codes go to")
    if _OURS.fullmatch(path.name) and not os.path.exists(seed_file(path)):  # noqa: PTH110 (as above)
        raise typer.BadParameter(
            f"{path.name!r} is how the seed or the lock of another print file may be called"
        )
    return path


def seed_file(path: Path) -> Path:
    """Where the seed of a print file is, as long as it is there."""
    return path.with_name(path.name + ".seed")


def first_code(path: Path) -> FirstCode | None:
    """What a print file begins with; None where there is none, or something else in it."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        line = file.readline(_LONGEST_LINE)
    try:
        if line.startswith(b"{"):
            printed = msgspec.json.decode(line, type=PrintedCarnet)
            return FirstCode(Format.JSONL, parse_code(printed.codes[0]).carnet)
        _, _, code = line.decode().strip().split(",")
        return FirstCode(Format.CSV, parse_code(code).carnet)
    except (ValueError, IndexError, msgspec.MsgspecError):
        return None


@contextmanager
def open_private(path: Path) -> Iterator[TextIO]:
    """An empty file that only its owner reads; at the end of the block it is on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        os.fchmod(descriptor, PRIVATE)
        yield file
        file.flush()
        os.fsync(descriptor)


def begins_as(path: Path, programme: str, first: IssuedCarnet) -> bool:
    """Whether a file has nothing but the beginning of a print file, as a kill may leave it."""
    lines = [_lines(programme, [first], form) for form in Format]
    with path.open("rb") as file:
        begin = file.read(max(map(len, lines))).rstrip(b"\0")  # a power cut may leave those
    return any(line.startswith(begin) for line in lines)


def write_carnets(
    file: TextIO, programme: str, carnets: Iterable[IssuedCarnet], form: Format
) -> bytes:
    """Add carnets to a print file, with their codes as people read them. What was added."""
    lines = _lines(programme, carnets, form)
    file.write(lines.decode())
    file.flush()
    return lines


def _lines(programme: str, carnets: Iterable[IssuedCarnet], form: Format) -> bytes:
    text = io.StringIO(newline="")
    if form is Format.CSV:
        csv.writer(text, lineterminator="\n").writerows(
            (carnet_id(programme, each.number), ticket, shown(code))
            for each in carnets
            for ticket, code in enumerate(each.codes, start=1)
        )
    else:
        for each in carnets:
            printed = PrintedCarnet(
                carnet=carnet_id(programme, each.number),
                codes=tuple(shown(code) for code in each.codes),
            )
            text.write(msgspec.json.encode(printed).decode() + "\n")
    return text.getvalue().encode()


def read_print(path: Path) -> dict[str, tuple[str, ...]]:
    """Carnets and their codes from a print file in JSON lines."""
    carnets: dict[str, tuple[str, ...]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            printed = msgspec.json.decode(line, type=PrintedCarnet)
            carnets[printed.carnet] = printed.codes
    return carnets
