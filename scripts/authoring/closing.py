"""What people are told before they close a programme, which nobody can undo."""

import sys
from pathlib import Path

from ledger.decisions.reference import Reference
from ledger.values.ids import ProgrammeId
from projections.exposure import Exposure, exposure
from scripts.common.ending import CommandError, Exit
from scripts.common.reference import reference_of
from scripts.common.showing import euros, warn
from scripts.common.working import Views, look


def ask_before_closing(data: Path | None, programme: ProgrammeId, *, yes: bool) -> None:
    """Say what closing ends, and go on only if it is meant.

    What is not open is the ledger's to refuse.

    Raises:
        CommandError: the answer is no, or there is nobody to ask.
    """

    async def read(views: Views) -> tuple[list[Exposure], Reference]:
        return await exposure(views.connection, programme), await reference_of(views)

    years, reference = look(data, ["programmes"], read)
    entry = reference.programmes.get(programme)
    if entry is None or entry.closed:
        return
    warn(f"{_circulating(programme, years)} Closing can't be undone.")
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(f"{programme} stays open.", "To close it, add --yes.", Exit.USAGE)
    if not _confirmed(f"Close {programme} for good?"):
        raise CommandError(f"{programme} stays open.")


def _circulating(programme: str, years: list[Exposure]) -> str:
    tickets = sum(
        each.activated_tickets - each.redeemed_tickets + each.voided_tickets for each in years
    )
    if not tickets:
        return f"{programme} has no tickets in circulation."
    worth = euros(sum(each.circulating_cents for each in years))
    return (
        f"{programme} has {tickets:,} tickets in circulation, worth {worth}: once it is closed, "
        "no venue can take them."
    )


def _confirmed(question: str) -> bool:
    """Whether somebody on the terminal says yes. Ctrl-C ends the command, as everywhere."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
