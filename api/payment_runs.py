"""A payment run from its cutoff to its last transfer: for the routes and the command line.

Each step is one command, or several that follow from the run alone; so each can be repeated after
an answer that never came, and goes on where it stopped.
"""

from dataclasses import dataclass
from typing import Final, Literal

from api.streams import events_of, fold, reference_of
from ledger.batch import Outcome, Recorded
from ledger.decisions.clearing import (
    DraftRun,
    PaymentRun,
    PayPart,
    RunLine,
    part_digest,
    parts_of,
)
from ledger.facts import PaymentRunDrafted
from ledger.values.ids import RunId, derived_id, run_stream, venue_stream
from ledger.values.money import Cents
from ledger.values.reasons import Reason, Refusal
from ledger.writer import Writer
from projections.payouts import RunLines, lines_of_run
from projections.projection import AsyncConnection
from projections.waiting import wait_for

State = Literal["cutoff", "drafted", "submitted", "approved", "closed", "withdrawn"]
PATIENCE: Final = 10.0  # seconds that the read model is given to reach the cutoff


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as far as it has come, with what it owes to each venue."""

    run: RunId
    state: State
    so_far: PaymentRun
    lines: RunLines


async def cutoff_of(views: AsyncConnection, run: RunId) -> int:
    """The position that the read model has to have come to for the run's lines; 0 without a run."""
    events = await events_of(views, run_stream(run))
    return events[0][0] if events else 0


async def draft(
    writer: Writer, views: AsyncConnection, run: RunId, command_id: str, actor: str
) -> Outcome:
    """Lay down what the run pays: the lines as they were at its cutoff.

    Raises:
        NotReachedError: the read model has not come to the cutoff yet.
        WriterError: the outcome is not known; retry with the same id.
    """
    events = await events_of(views, run_stream(run))
    if not events:
        return Refusal(Reason.RUN_UNKNOWN)
    cutoff = events[0][0]
    lines = (await _lines(views, run, cutoff)).lines
    held = await _held(views, lines)
    for _, event in events:
        if isinstance(event.fact, PaymentRunDrafted) and event.command_id == command_id:
            held = event.fact.held_transfers  # a retry asks for what the first attempt asked for
    return await writer.execute(
        DraftRun(
            command_id=command_id,
            actor=actor,
            run=run,
            cutoff=cutoff,
            part_digests=tuple(part_digest(part) for part in parts_of(lines)),
            transfers=len(lines),
            held_transfers=held,
            amount_cents=Cents(sum(line.amount_cents for line in lines)),
        )
    )


async def pay(writer: Writer, views: AsyncConnection, run: RunId, actor: str) -> Outcome:
    """Let every part of an approved run leave that has not left yet, one after the other.

    Two who do this at once pay each part once: the log says which part comes next.

    Raises:
        NotReachedError: the read model has not come to the cutoff yet.
        WriterError: the outcome is not known; do it again.
    """
    part, paid = -1, False
    refused: Outcome | None = None
    while True:
        events = await events_of(views, run_stream(run))
        so_far = fold(events, PaymentRun)
        if so_far is None:
            return Refusal(Reason.RUN_UNKNOWN)
        if so_far.closed and not so_far.withdrawn:
            position, event = events[-1]
            return Recorded(position, event, replayed=not paid)
        if refused is not None and so_far.parts_paid == part:  # nobody else has paid it
            return refused
        part = so_far.parts_paid
        outcome = await writer.execute(
            PayPart(
                command_id=derived_id("pay", run, part),
                actor=actor,
                run=run,
                part=part,
                lines=_part(await _lines(views, run, so_far.cutoff), part),
            )
        )
        refused = None if isinstance(outcome, Recorded) else outcome
        paid = paid or refused is None


async def view(views: AsyncConnection, run: RunId) -> RunView | None:
    """The run with its lines, or None where there is none.

    Raises:
        NotReachedError: the read model has not come to the cutoff yet.
    """
    so_far = fold(await events_of(views, run_stream(run)), PaymentRun)
    if so_far is None:
        return None
    return RunView(run, state_of(so_far), so_far, await _lines(views, run, so_far.cutoff))


def state_of(run: PaymentRun) -> State:
    """How far a run has come, in a word."""
    if run.closed:
        return "withdrawn" if run.withdrawn else "closed"
    if run.approved:
        return "approved"
    if run.submitter is not None:
        return "submitted"
    return "cutoff" if run.drafted is None else "drafted"


async def _lines(views: AsyncConnection, run: RunId, cutoff: int) -> RunLines:
    await wait_for(views, "payouts", cutoff, PATIENCE)
    lines = await lines_of_run(views, run)
    if lines is None or lines.cutoff != cutoff:
        raise LookupError(f"the read model has no lines of run {run} at position {cutoff}")
    return lines


def _part(lines: RunLines, part: int) -> tuple[RunLine, ...]:
    """A run that owes nothing has one part, which is empty."""
    return (parts_of(lines.lines) or [()])[part]


async def _held(views: AsyncConnection, lines: tuple[RunLine, ...]) -> int:
    known = await reference_of(views, [venue_stream(line.venue) for line in lines])
    return sum(known.venues[line.venue].suspended for line in lines)
