"""Who took a run how far, and when: as its own stream tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.payment_runs import State, state_of
from api.streams import events_of, fold
from ledger.decisions.clearing import PaymentRun
from ledger.facts import (
    CutoffFixed,
    Event,
    Fact,
    PaymentRunApproved,
    PaymentRunClosed,
    PaymentRunDrafted,
    PaymentRunSubmitted,
)
from ledger.facts.codec import decode
from ledger.log.rows import READ_REFERENCE
from ledger.values.ids import RunId, run_stream
from ledger.values.money import Cents
from projections.projection import AsyncConnection

_NAMES: Final[dict[type[Fact], State]] = {
    CutoffFixed: "cutoff",
    PaymentRunDrafted: "drafted",
    PaymentRunSubmitted: "submitted",
    PaymentRunApproved: "approved",
    PaymentRunClosed: "closed",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run."""

    step: State
    position: int
    recorded_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a line."""

    run: RunId
    state: State
    cutoff: int
    cutoff_at: datetime
    transfers: int | None  # None before the draft
    amount_cents: Cents | None
    paid_cents: int


def steps_of(events: Iterable[tuple[int, Event]]) -> list[Step]:
    """The steps that have been taken. Parts that were paid are none."""
    return [
        Step(_name(event.fact), position, event.recorded_at, event.actor)
        for position, event in events
        if type(event.fact) in _NAMES
    ]


def _name(fact: Fact) -> State:
    if isinstance(fact, PaymentRunClosed) and fact.withdrawn:
        return "withdrawn"
    return _NAMES[type(fact)]


async def list_runs(views: AsyncConnection) -> list[RunSummary]:
    """Every run, the oldest first."""
    cursor = await views.execute(READ_REFERENCE, {"after": 0}, binary=True)
    facts = [decode(state).fact async for _, state in cursor]
    return [await _summary(views, fact.run) for fact in facts if isinstance(fact, CutoffFixed)]


async def _summary(views: AsyncConnection, run: RunId) -> RunSummary:
    events = await events_of(views, run_stream(run))
    so_far = fold(events, PaymentRun)
    if so_far is None:
        raise LookupError(f"run {run} has a cutoff, and no stream")
    drafted = so_far.drafted
    return RunSummary(
        run=run,
        state=state_of(so_far),
        cutoff=so_far.cutoff,
        cutoff_at=events[0][1].recorded_at,
        transfers=drafted.transfers if drafted else None,
        amount_cents=drafted.amount_cents if drafted else None,
        paid_cents=so_far.cents_paid,
    )
