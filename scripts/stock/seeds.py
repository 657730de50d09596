"""The seed of a print file, beside it until its order is complete.

The seed makes the codes, so whatever a kill left of the file is written again with the same ones;
without the seed nobody can. It says whose codes it makes.
"""

import os
import re
import secrets
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final

from ledger.secrets import sync_folder
from scripts.common.ending import CommandError
from scripts.stock.locking import another_run
from scripts.stock.printing import Format, open_private, seed_file

SEED_BYTES: Final = 32
# The first ones had no format, and later ones no owner.
_SEED: Final = re.compile(
    r"([0-9a-f]{64})(?: (jsonl|csv)(?: ([^/\s]+/[^/\s]+/\S+))?)?\s*", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Seed:
    """What the codes of an order are made from."""

    secret: bytes
    form: Format | None  # what the print file was begun in; None where nobody knows
    owner: str | None  # whose codes it makes; None where nobody knows


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
        raise another_run(path) from e
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
    try:
        with open_private(draft) as file:
            file.write(" ".join(filter(None, (seed.secret.hex(), seed.form, seed.owner))))
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _draft_prefix(path: Path) -> str:
    return f".{seed_file(path).name}."


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
        name, prefix = each.name, _draft_prefix(path)
        if name.startswith(prefix) and name.removeprefix(prefix).isdigit():  # left by a kill
            each.unlink(missing_ok=True)
    seed_file(path).unlink(missing_ok=True)
    sync_folder(path.parent)
