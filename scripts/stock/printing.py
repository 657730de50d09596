"""The print file: the codes of an order in clear, for the printer and nobody else.

It stands beside its seed until the order is complete. The seed makes the codes, so whatever a kill
left of the file is written again with the same ones; without the seed nobody can. So one run at a
time has the two, and the seed says whose codes it makes.
"""

import csv
import fcntl
import io
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest
from pathlib import Path
from typing import Final, TextIO

import msgspec

from ledger.service import IssuedCarnet
from ledger.values.codes import parse_code, shown
from ledger.values.ids import CarnetId, carnet_id
from scripts.common.ending import CommandError

SEED_BYTES: Final = 32
PRIVATE: Final = 0o600
# The first ones had no format, and later ones no owner.
_SEED: Final = re.compile(r"([0-9a-f]{64})(?: (jsonl|csv)(?: (\S+))?)?\s*", re.ASCII)
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


@dataclass(frozen=True, slots=True)
class Seed:
    """What the codes of an order are made from."""

    secret: bytes
    form: Format | None  # what the print file was begun in; None where nobody knows
    owner: str | None  # whose codes it makes; None where nobody knows


def take_lock(path: Path) -> int:
    """Keep every other run away from a print file and its seed, until `leave_lock` or a kill.

    The file that is locked is one of its own, as the two are replaced and removed.

    Raises:
        CommandError: another run has it, or nothing can be locked there.
        OSError: nothing can be written there.
    """
    descriptor = os.open(_lock_file(path), os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        _lock(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        raise _another_run(path) from e
    except OSError as e:
        raise CommandError(
            f"{path} can't be locked, to keep a second run away from it: {e.strerror}.",
            "Name a file on a disk of this machine with --to. "
            f"If there is a {seed_file(path).name}, move it there too.",
        ) from e
    place = _lock_file(path)
    # The run that had it may have removed it since it was opened here.
    if not (place.exists() and os.path.samestat(os.fstat(descriptor), place.stat())):
        raise _another_run(path)


def leave_lock(path: Path, descriptor: int) -> None:
    """Let the next run have the print file."""
    with suppress(OSError):  # one that is left over is taken by the next run
        _lock_file(path).unlink()
    os.close(descriptor)


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _another_run(path: Path) -> CommandError:
    return CommandError(
        f"Another run writes {path}.",
        "Let it end. If it says that the carnets are issued, all is done; else run this again.",
    )


def read_seed(path: Path) -> Seed | None:
    """The seed of a print file, if there is one.

    Raises:
        CommandError: what is there is no seed.
    """
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
    return Seed(bytes.fromhex(told[1]), Format(told[2]) if told[2] else None, told[3])


def make_seed(path: Path, form: Format, owner: str) -> Seed:
    """A new seed, on disk before anything is made of it.

    Raises:
        CommandError: there is one by now.
    """
    seed = Seed(secrets.token_bytes(SEED_BYTES), form, owner)
    draft = _draft(path, seed)
    try:
        os.link(draft, seed_file(path))  # unlike a rename, it replaces nothing
    except FileExistsError as e:
        raise _another_run(path) from e
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return seed


def keep_format(path: Path, seed: Seed, form: Format) -> None:
    """Have a seed beside the format that its file is written in from now on."""
    if seed.form is not form:
        _draft(path, Seed(seed.secret, form, seed.owner)).replace(seed_file(path))
        sync_folder(path.parent)


def _draft(path: Path, seed: Seed) -> Path:
    draft = path.with_name(f"{_draft_prefix(path)}{os.getpid()}")
    draft.unlink(missing_ok=True)  # a kill may have left it as another name of the seed itself
    with open_private(draft) as file:
        file.write(" ".join(filter(None, (seed.secret.hex(), seed.form, seed.owner))))
    return draft


def _draft_prefix(path: Path) -> str:
    return f".{seed_file(path).name}."


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


def forget_seed(path: Path, written: bytes) -> None:
    """Once the file is on disk whole, nobody shall make its codes again.

    Raises:
        CommandError: the file is not the one with this SHA-256. The seed is kept.
    """
    try:
        with path.open("rb") as file:
            is_whole = file_digest(file, "sha256").digest() == written
            os.fsync(file.fileno())
    except OSError:
        is_whole = False
    if not is_whole:
        raise CommandError(
            f"{path} does not have what was written to it: something else changed or moved it.",
            f"Keep {seed_file(path).name}: the codes are made from it. "
            "Run this again, and it writes all of them anew.",
        )
    sync_folder(path.parent)
    for each in list(path.parent.iterdir()):
        if each.name.startswith(_draft_prefix(path)):  # left by a kill
            each.unlink(missing_ok=True)
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
) -> bytes:
    """Add carnets to a print file, with their codes as people read them. What was added."""
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
    file.write(text.getvalue())
    file.flush()
    return text.getvalue().encode()


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
