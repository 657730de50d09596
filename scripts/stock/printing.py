"""The print file: the codes of an order in clear, for the printer and nobody else.

It stands beside its seed until the order is complete. The seed makes the codes, so whatever a kill
left of the file is written again with the same ones; without the seed nobody can.
"""

import csv
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO

import msgspec

from ledger.service import IssuedCarnet
from ledger.values.codes import parse_code, shown
from ledger.values.ids import CarnetId, carnet_id
from scripts.common.ending import CommandError

SEED_BYTES: Final = 32
PRIVATE: Final = 0o600
_SEED: Final = re.compile(r"([0-9a-f]{64})(?: (jsonl|csv))?\s*")  # the first ones had no format
_LONGEST_LINE: Final = 65_536  # bytes; a carnet of 99 tickets has 3 000


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


def seed_file(path: Path) -> Path:
    """Where the seed of a print file is, as long as it is there."""
    return path.with_name(path.name + ".seed")


def read_or_make_seed(path: Path, form: Format) -> bytes:
    """The seed of a print file, on disk with its format before anything is made of it.

    Raises:
        CommandError: what is there is no seed.
    """
    begun = _read_seed(path)
    if begun is not None and begun[1] is form:
        return begun[0]
    seed = begun[0] if begun is not None else secrets.token_bytes(SEED_BYTES)
    place = seed_file(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    with open_private(draft) as file:
        file.write(f"{seed.hex()} {form}")
    draft.rename(place)
    sync_folder(place.parent)
    return seed


def begun_format(path: Path) -> Format | None:
    """What a print file was begun in, as long as its seed is there; None where nobody knows.

    Raises:
        CommandError: what is there is no seed.
    """
    begun = _read_seed(path)
    return begun[1] if begun is not None else None


def _read_seed(path: Path) -> tuple[bytes, Format | None] | None:
    place = seed_file(path)
    if not place.exists():
        return None
    told = _SEED.fullmatch(place.read_text(errors="replace"))
    if told is None:
        raise CommandError(
            f"{place} holds no seed, and without it the order can't be finished.",
            "Put back what was in it: no other seed makes the same codes. "
            "Only if none of the order's carnets are issued (`souche order list`), remove it.",
        )
    return bytes.fromhex(told[1]), Format(told[2]) if told[2] else None


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


def forget_seed(path: Path) -> None:
    """Once the file is on disk whole, nobody shall make its codes again."""
    seed_file(path).unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def open_private(path: Path) -> Iterator[TextIO]:
    """An empty file that only its owner reads; at the end of the block it is on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        os.fchmod(descriptor, PRIVATE)
        yield file
        file.flush()
        os.fsync(descriptor)


def write_carnets(
    file: TextIO, programme: str, carnets: Iterable[IssuedCarnet], form: Format
) -> None:
    """Add carnets to a print file, with their codes as people read them."""
    if form is Format.CSV:
        csv.writer(file, lineterminator="\n").writerows(
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
            file.write(msgspec.json.encode(printed).decode() + "\n")
    file.flush()


def sync_folder(folder: Path) -> None:
    """A name in a folder is on disk only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_print(path: Path) -> dict[str, tuple[str, ...]]:
    """Carnets and their codes from a print file in JSON lines."""
    carnets: dict[str, tuple[str, ...]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            printed = msgspec.json.decode(line, type=PrintedCarnet)
            carnets[printed.carnet] = printed.codes
    return carnets
