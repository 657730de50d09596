"""Issue an order: chunk by chunk, each with its codes in the print file. A kill loses nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from api.streams import events_of
from ledger.facts import CarnetsIssued, CarnetsOrdered
from ledger.service import IssuedCarnet, chunks, issue_command
from ledger.values.ids import programme_stream
from ledger.values.reasons import Reason, Refusal
from scripts.common.ending import CommandError
from scripts.common.ledger import Ledger
from scripts.common.refusals import RefusedError
from scripts.common.unknown import advice
from scripts.stock.printing import (
    Format,
    begun_format,
    forget_seed,
    open_private,
    read_or_make_seed,
    seed_file,
    write_carnets,
)

Advance = Callable[[int], None]  # is told how many more carnets are done


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order and the chunks of it that exist."""

    ordered: CarnetsOrdered
    issued: tuple[CarnetsIssued, ...]

    @property
    def issued_carnets(self) -> int:
        return sum(chunk.carnets for chunk in self.issued)

    @property
    def is_complete(self) -> bool:
        return self.issued_carnets == self.ordered.carnets


async def find_order(ledger: Ledger, programme: str, order: str) -> FoundOrder:
    """The order as the log tells it.

    Raises:
        RefusedError: there is no such programme or order.
    """
    found: CarnetsOrdered | None = None
    issued: list[CarnetsIssued] = []
    events = await events_of(ledger.views, programme_stream(programme))
    for _, event in events:
        match event.fact:
            case CarnetsOrdered() as fact if fact.order == order:
                found = fact
            case CarnetsIssued() as fact if fact.order == order:
                issued.append(fact)
            case _:
                pass
    if found is None:
        reason = Reason.ORDER_UNKNOWN if events else Reason.PROGRAMME_UNKNOWN
        name = order if events else programme
        raise RefusedError(Refusal(reason), advice(reason, name))
    return FoundOrder(found, tuple(issued))


async def issue(
    ledger: Ledger, found: FoundOrder, path: Path, form: Format, advance: Advance
) -> None:
    """Issue what an order still lacks, and write the codes of all of it to `path`.

    Raises:
        CommandError: it was issued, or begun, to another file or in another format.
        RefusedError: the ledger refused a chunk.
    """
    with _writable(path):
        is_done = _is_done(found, path)
        if not is_done:
            _refuse_other_seed(found, path)
        _refuse_other_format(found.ordered, path, form)
        if is_done:
            return
        seed = read_or_make_seed(path, form)
    ordered = found.ordered
    done = [(chunk.first_number, chunk.carnets) for chunk in found.issued]
    first = ordered.first_number + found.issued_carnets
    left = list(chunks(first, ordered.carnets - found.issued_carnets))
    if done:
        # Asked to repeat one, the ledger tells when the seed is another. It has to before the file
        # is emptied, which may have the codes.
        await _issue_chunk(ledger, ordered, done[-1], seed, ask=True)
    with open_private(path) as file:
        for chunk in done + left:
            printed = await _issue_chunk(ledger, ordered, chunk, seed, ask=chunk in left)
            write_carnets(file, ordered.programme, printed, form)
            advance(len(printed))
    forget_seed(path)


async def _issue_chunk(
    ledger: Ledger, ordered: CarnetsOrdered, chunk: tuple[int, int], seed: bytes, *, ask: bool
) -> tuple[IssuedCarnet, ...]:
    command, printed = issue_command(ordered, *chunk, seed, ledger.secrets, ledger.actor.id)
    if ask:
        await ledger.do(command)
    return printed


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """A print file in a folder that can't be used is the caller's to mend."""
    try:
        yield
    except OSError as e:
        told = f"{path} can't be written: {e.strerror}."
        raise CommandError(told, "Name another file with --to.") from e


def _is_done(found: FoundOrder, path: Path) -> bool:
    """Whether a run before this one did it all, and was killed before it could say so."""
    return found.is_complete and path.exists() and not seed_file(path).exists()


def _refuse_other_seed(found: FoundOrder, path: Path) -> None:
    if seed_file(path).exists():
        return
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


def _refuse_other_format(ordered: CarnetsOrdered, path: Path, form: Format) -> None:
    """The printer gets one file: half of it, or all, in another format can't be had again."""
    begun = begun_format(path)
    if begun is None or begun is form:
        return
    command = f"souche order issue {ordered.programme} {ordered.order} --to {quote(str(path))}"
    raise CommandError(
        f"{path} was begun with --format {begun}, and can't be had in {form}.",
        f"Keep to its format: `{command} --format {begun}`",
    )
