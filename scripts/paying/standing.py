"""Where a run's money is: what left, and what stayed because its venue is frozen."""

from collections import Counter
from dataclasses import dataclass

from api.payment_runs import RunView
from api.streams import events_of, reference_of
from ledger.decisions.clearing import RunLine
from ledger.facts import VenueReimbursed
from ledger.facts.codec import decode
from ledger.log.rows import READ
from ledger.values.ids import (
    RunId,
    VenueId,
    end_to_end_id,
    run_stream,
    transfer_stream,
    venue_stream,
)
from projections.projection import AsyncConnection
from scripts.common import runs
from scripts.common.showing import euros
from scripts.paying.steps import Step, steps_of
from scripts.paying.tickets import tickets_behind


@dataclass(frozen=True, slots=True)
class Standing:
    """A run, and what became of its lines."""

    view: RunView
    left: frozenset[VenueId]
    frozen: frozenset[VenueId]  # now, whether or not the run has paid them
    names: dict[VenueId, str]
    steps: list[Step]
    tickets: Counter[VenueId]  # that each line pays

    @property
    def amount_cents(self) -> int:
        """What the run pays, or would have paid, to all venues together."""
        return sum(line.amount_cents for line in self.view.lines.lines)

    @property
    def stayed(self) -> list[RunLine]:
        """The lines that have not left: they are owed."""
        return [line for line in self.view.lines.lines if line.venue not in self.left]

    def of(self, line: RunLine) -> str:
        """What became of a line, in a word or two."""
        if line.venue in self.left:
            return "paid"
        if line.venue in self.frozen:
            return "frozen"
        return "stays owed" if self.view.so_far.closed else ""


async def standing(views: AsyncConnection, run: RunId) -> Standing | None:
    """The run as far as it has come; None where there is none."""
    found = await runs.view(views, run)
    if found is None:
        return None
    venues = [line.venue for line in found.lines.lines]
    known = await reference_of(views, map(venue_stream, venues))
    frozen = frozenset(venue for venue in venues if known.venues[venue].suspended)
    names = {venue: known.venues[venue].registered.name for venue in venues}
    steps = steps_of(await events_of(views, run_stream(run)))
    left = await _left(views, run, venues)
    tickets = await tickets_behind(views, found.so_far.cutoff, venues)
    return Standing(found, left, frozen, names, steps, tickets)


async def _left(views: AsyncConnection, run: RunId, venues: list[VenueId]) -> frozenset[VenueId]:
    streams = [transfer_stream(end_to_end_id(run, venue)) for venue in venues]
    cursor = await views.execute(READ, {"streams": streams}, binary=True)
    facts = [decode(state).fact for _, state in await cursor.fetchall()]
    return frozenset(fact.venue for fact in facts if isinstance(fact, VenueReimbursed))


def what_left(found: Standing) -> str:
    """How a closed run ended: `Run 2022-03 is closed: 0.00 € of 30.00 € paid`."""
    run, lines = found.view.run, found.view.lines.lines
    if not lines:
        return f"Run {run} is closed: nothing was owed at its cutoff"
    whole = found.amount_cents
    if not found.stayed:
        return f"Run {run} is paid: all of {euros(whole)}"
    return f"Run {run} is closed: {euros(found.view.so_far.cents_paid)} of {euros(whole)} paid"


def why_stayed(found: Standing) -> list[str]:
    """A line for each venue that was left out, and what lets it be paid."""
    stayed = found.stayed
    if not stayed:
        return []
    were = "venue was" if len(stayed) == 1 else "venues were"
    lines = [f"{len(stayed):,} {were} frozen, and left out. The next run pays once they go on:"]
    for line in stayed:
        now = f"`souche venue resume {line.venue}`" if line.venue in found.frozen else "goes on"
        lines.append(f"  {line.venue}: {euros(line.amount_cents)} stays owed; {now}")
    return lines
