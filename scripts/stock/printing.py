"""The print file: the codes of an order in clear, for the printer and nobody else.

It stands beside its seed until the order is complete. The seed makes the codes, so whatever a kill
left of the file is written again with the same ones; without the seed nobody can.
"""

import csv
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO

import msgspec

from ledger.service import IssuedCarnet
from ledger.values.codes import shown
from ledger.values.ids import carnet_id

SEED_BYTES: Final = 32
PRIVATE: Final = 0o600


class Format(StrEnum):
    """What the printer reads."""

    JSONL = "jsonl"  # a carnet a line: {"carnet": …, "codes": […]}
    CSV = "csv"  # a ticket a line: carnet, ticket, code


def seed_file(path: Path) -> Path:
    """Where the seed of a print file is, as long as it is there."""
    return path.with_name(path.name + ".seed")


def read_or_make_seed(path: Path, form: Format) -> bytes:
    """The seed of a print file, on disk with its format before anything is made of it."""
    place = seed_file(path)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.{os.getpid()}")
        with open_private(draft) as file:
            file.write(f"{secrets.token_bytes(SEED_BYTES).hex()} {form}")
        draft.rename(place)
        sync_folder(place.parent)
    return bytes.fromhex(place.read_text().split()[0])


def begun_format(path: Path) -> Format | None:
    """What a print file was begun in; None where that can't be told."""
    place = seed_file(path)
    words = place.read_text().split() if place.exists() else []
    if len(words) > 1:
        return Format(words[1])
    # The file is whole, or its seed was made before seeds had the format.
    if not path.exists():
        return None
    with path.open("rb") as file:
        start = file.read(1)
    if not start:
        return None
    return Format.JSONL if start == b"{" else Format.CSV


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
            told = {
                "carnet": carnet_id(programme, each.number),
                "codes": [shown(code) for code in each.codes],
            }
            file.write(msgspec.json.encode(told).decode() + "\n")
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
            told = msgspec.json.decode(line)
            carnets[told["carnet"]] = tuple(told["codes"])
    return carnets
