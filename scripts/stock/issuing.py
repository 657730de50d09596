"""Issue an order: chunk by chunk, each with its codes in the print file. A kill loses nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from shlex import quote
from typing import Final

from ledger.facts import CarnetsOrdered
from ledger.service import IssuedCarnet, chunks, issue_command
from ledger.values.codes import make_codes
from ledger.values.ids import CarnetId, carnet_id
from scripts.common.ending import CommandError
from scripts.common.ledger import Ledger
from scripts.stock.locking import leave_lock, take_lock
from scripts.stock.ordering import FoundOrder, find_order
from scripts.stock.printing import (
    Format,
    begins_as,
    first_code,
    open_private,
    seed_file,
    write_carnets,
)
from scripts.stock.seeds import Seed, forget_seed, keep_format, make_seed, read_seed

Advance = Callable[[int], None]  # is told how many more carnets are done

_NAME_ANOTHER: Final = "Name another file with --to."
_RUN_AGAIN: Final = "Mend that, and run this again: it goes on where it stopped."


async def issue(
    ledger: Ledger, ordered: CarnetsOrdered, path: Path, form: Format, advance: Advance
) -> None:
    """Issue what an order still lacks, and write the codes of all of it to `path`.

    Raises:
        CommandError: it was issued, or begun, to another file, or all of it in another format;
            or the file is another order's, or another run's; or it can't be written, or its folder
            isn't there.
        RefusedError: the ledger refused a chunk.
    """
    with _writable(path, _NAME_ANOTHER):
        _refuse_no_folder(path)
    with _alone(path):
        found = await find_order(ledger, ordered.programme, ordered.order)
        with _writable(path, _NAME_ANOTHER):
            if _is_done(found, path):
                _refuse_other_file(ordered, path, form)
                return
            seed = _seed(ledger, found, path, form)
        with _writable(path, _RUN_AGAIN):
            await _issue_alone(ledger, found, path, (seed.secret, form), advance)


async def _issue_alone(
    ledger: Ledger,
    found: FoundOrder,
    path: Path,
    made: tuple[bytes, Format],  # from which seed, and in what
    advance: Advance,
) -> None:
    seed, form = made
    ordered = found.ordered
    done = [(chunk.first_number, chunk.carnets) for chunk in found.issued]
    first = ordered.first_number + found.issued_carnets
    left = list(chunks(first, ordered.carnets - found.issued_carnets))
    if done:
        # Asked to repeat one, the ledger tells when the seed is another. It has to before the file
        # is emptied, which may have the codes.
        await _issue_chunk(ledger, ordered, done[-1], seed, ask=True)
    written = sha256()
    with open_private(path) as file:
        for chunk in done + left:
            printed = await _issue_chunk(ledger, ordered, chunk, seed, ask=chunk in left)
            written.update(write_carnets(file, ordered.programme, printed, form))
            advance(len(printed))
    forget_seed(path, written.digest())


async def _issue_chunk(
    ledger: Ledger, ordered: CarnetsOrdered, chunk: tuple[int, int], seed: bytes, *, ask: bool
) -> tuple[IssuedCarnet, ...]:
    command, printed = issue_command(ordered, *chunk, seed, ledger.secrets, ledger.actor.id)
    if ask:
        await ledger.do(command)
    return printed


def _refuse_no_folder(path: Path) -> None:
    """A name that is mistyped shall not become a place that nobody meant: there is one copy."""
    if not path.parent.is_dir():
        raise CommandError(
            f"There is no folder {path.parent}.",
            f"{_NAME_ANOTHER} This one is made by `mkdir -p {quote(str(path.parent))}`",
        )


@contextmanager
def _writable(path: Path, advice: str) -> Iterator[None]:
    """A folder that can't be used, or a disk that is full, is the caller's to mend."""
    try:
        yield
    except OSError as e:
        raise CommandError(f"{path} can't be written: {e.strerror}.", advice) from e


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two runs would empty the file for each other, and the first to end would remove the seed."""
    with _writable(path, _NAME_ANOTHER):
        lock = take_lock(path)
    try:
        yield
    finally:
        leave_lock(path, lock)


def _is_done(found: FoundOrder, path: Path) -> bool:
    """Whether a run before this one did it all, and was killed before it could say so."""
    return found.is_complete and path.exists() and not seed_file(path).exists()


def _refuse_other_file(ordered: CarnetsOrdered, path: Path, form: Format) -> None:
    """Nobody shall believe that a file has codes that it hasn't: there are no others."""
    begins = first_code(path)
    if begins is None or begins.carnet != _first_carnet(ordered):
        raise CommandError(
            f"The order is issued already, and {path} does not begin with its codes.",
            "They are in the file that it was issued to, and nowhere else: name that one.",
        )
    if begins.form is not form:
        raise CommandError(
            f"{path} was written with --format {begins.form}, and the codes can't be made again "
            f"to write them in {form}.",
            f"All of them are in it: `{_command(ordered, path)} --format {begins.form}`",
        )


def _seed(ledger: Ledger, found: FoundOrder, path: Path, form: Format) -> Seed:
    """The seed that the order was begun with, or a new one if it wasn't."""
    # An order of the same name in another ledger has other peppers.
    pepper = ledger.secrets.peppers[ledger.secrets.pepper_id].fingerprint
    owner = f"{found.ordered.programme}/{found.ordered.order}/{pepper}"
    seed = read_seed(path)
    if seed is None:
        _refuse_to_begin(found, path)
        return make_seed(path, form, owner)
    _refuse_other_owner(found, path, seed, owner)
    _refuse_other_codes(found.ordered, path, seed)
    _refuse_format_left_out(found.ordered, path, seed.form, form)
    keep_format(path, seed, form)
    return seed


def _refuse_other_owner(found: FoundOrder, path: Path, seed: Seed, owner: str) -> None:
    """The seed would be gone with this order's last carnet, and the other's codes with it."""
    if seed.owner == owner:
        return
    if seed.owner is not None:
        programme, order, *_ = seed.owner.split("/")
        same = (programme, order) == (found.ordered.programme, found.ordered.order)
        ledger = " in another ledger" if same else ""
        raise CommandError(
            f"{seed_file(path)} makes the codes of order {order} of {programme}{ledger}.",
            "Name another file with --to: that order can't be finished without it.",
        )
    if not found.issued:  # else the ledger knows whether it is this order's
        raise CommandError(
            f"{seed_file(path)} does not say of which order it is, and none of this one's carnets "
            "are issued.",
            "Name another file with --to: an order that was begun can't be finished without it.",
        )


def _refuse_other_codes(ordered: CarnetsOrdered, path: Path, seed: Seed) -> None:
    """A file that was put beside the seed is not emptied."""
    begins = first_code(path)
    if begins is not None and begins.carnet != _first_carnet(ordered):
        raise CommandError(
            f"{path} has codes of {begins.carnet}, which is not of this order.", _NAME_ANOTHER
        )
    first = ordered.first_number
    printed = IssuedCarnet(first, make_codes(seed.secret, ordered.programme, first, ordered.size))
    if begins is None and path.exists() and not begins_as(path, ordered.programme, printed):
        raise CommandError(
            f"{path} does not begin with the codes of this order.",
            "Move it away and run this again, which writes all of them anew; but leave "
            f"{seed_file(path).name} where it is.",
        )


def _refuse_to_begin(found: FoundOrder, path: Path) -> None:
    if found.is_complete:
        raise CommandError(
            "The order is issued already, and its seed is gone: its codes can't be made again.",
            "They are in the file that it was issued to, and nowhere else.",
        )
    if found.issued:
        raise CommandError(
            f"{found.issued_carnets} carnets were issued with a seed that isn't beside {path}.",
            f"Name the file that it was begun with (its seed is {seed_file(path).name!r} there).",
        )
    if path.exists():
        raise CommandError(f"{path} exists.", "Name a new file: this one may hold codes.")


def _refuse_format_left_out(
    ordered: CarnetsOrdered, path: Path, begun: Format | None, form: Format
) -> None:
    """The file is written anew from its seed, so that it can be had in the other format.

    But for JSON lines after CSV: they are also what is asked for by leaving --format out, and once
    the order is complete there is no seed to make up for that.
    """
    if form is Format.JSONL and path.exists() and begun is Format.CSV:
        raise CommandError(
            f"{path} was begun with --format csv, and {form} is also what --format left out means.",
            f"Go on with it: `{_command(ordered, path)} --format csv`\n"
            f"To have it in {form} after all, remove {path} and run this again, but keep "
            f"{seed_file(path).name}: the codes are made from it.",
        )


def _first_carnet(ordered: CarnetsOrdered) -> CarnetId:
    return carnet_id(ordered.programme, ordered.first_number)


def _command(ordered: CarnetsOrdered, path: Path) -> str:
    return f"souche order issue {ordered.programme} {ordered.order} --to {quote(str(path))}"
