"""Payment runs: a cutoff, a draft, two people, transfers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api import payment_runs
from api.bodies import CommandBody, StrictRoute
from api.execution import attempt, recorded
from api.fields import Run, Sha256
from api.problems import ProblemError, problem
from api.reading import reach, reading
from api.receipts import Receipt, carry_out, receipt_for
from api.state import Service, ServiceDep
from api.tokens import Approver, Operator, Reader
from ledger.decisions.clearing import ApproveRun, FixCutoff, SubmitRun, WithdrawRun
from ledger.values.ids import RunId
from ledger.values.reasons import Reason
from projections.projection import AsyncConnection

router = APIRouter(prefix="/v1/payment-runs", tags=["clearing"], route_class=StrictRoute)


class CutoffBody(CommandBody):
    """Open a run."""

    run: Run


class ApprovalBody(CommandBody):
    """Approve what was read."""

    digest: Sha256 = Field(description="Of the draft as you read it. Any change of a line differs.")


class Line(BaseModel):
    """What a venue is owed at the cutoff."""

    venue: str
    amount_cents: int


class PaymentRunView(BaseModel):
    """A run as far as it has come."""

    run: str
    state: payment_runs.State
    cutoff: int = Field(description="It pays what was owed at this position.")
    digest: str | None = Field(description="What an approver signs; null before the draft.")
    submitter: str | None
    transfers: int = Field(description="Venues to be paid.")
    amount_cents: int
    held_transfers: int = Field(description="Of them frozen at the draft.")
    paid_transfers: int
    paid_cents: int
    lines: list[Line]
    carried_forward: list[Line] = Field(description="Owed to us; the next run takes it up.")


@router.post("", status_code=HTTPStatus.CREATED)
async def fix_cutoff(
    body: CutoffBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Draw the line: the run pays what is owed at this command's own position."""
    command = FixCutoff(command_id=body.command_id, actor=actor.id, run=body.run)
    return await carry_out(service.writer, response, command)


@router.post("/{run}/draft", status_code=HTTPStatus.CREATED)
async def draft_run(
    run: Run, body: CommandBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Lay down what the run pays to each venue, as it was owed at the cutoff."""
    async with _reading_lines(service, run) as views:
        outcome = await attempt(
            payment_runs.draft(service.writer, views, run, body.command_id, actor.id)
        )
    return receipt_for(recorded(outcome), response)


@router.post("/{run}/submit", status_code=HTTPStatus.CREATED)
async def submit_run(
    run: Run, body: CommandBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Ask another person to approve the run."""
    command = SubmitRun(command_id=body.command_id, actor=actor.id, run=run)
    return await carry_out(service.writer, response, command)


@router.post("/{run}/approve", status_code=HTTPStatus.CREATED)
async def approve_run(
    run: Run, body: ApprovalBody, actor: Approver, service: ServiceDep, response: Response
) -> Receipt:
    """Approve exactly this digest. Never the person who submitted it."""
    command = ApproveRun(command_id=body.command_id, actor=actor.id, run=run, digest=body.digest)
    return await carry_out(service.writer, response, command)


@router.post("/{run}/withdraw", status_code=HTTPStatus.CREATED)
async def withdraw_run(
    run: Run, body: CommandBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Close a run before its end: no more of it leaves, and what has not left stays owed."""
    command = WithdrawRun(command_id=body.command_id, actor=actor.id, run=run)
    return await carry_out(service.writer, response, command)


@router.post("/{run}/pay", status_code=HTTPStatus.CREATED)
async def pay_run(run: Run, actor: Operator, service: ServiceDep, response: Response) -> Receipt:
    """Let every transfer of an approved run leave that has not left yet.

    It has no id of its own: whoever repeats it goes on where the last attempt stopped.
    """
    async with _reading_lines(service, run) as views:
        outcome = await attempt(payment_runs.pay(service.writer, views, run, actor.id))
    return receipt_for(recorded(outcome), response)


@router.get("/{run}")
async def show_run(run: Run, _: Reader, service: ServiceDep) -> PaymentRunView:
    """A run, its lines, and how far it has come."""
    async with _reading_lines(service, run) as views:
        found = await payment_runs.view(views, run)
    if found is None:
        raise ProblemError(problem(Reason.RUN_UNKNOWN))
    so_far, lines = found.so_far, found.lines
    drafted = so_far.drafted
    return PaymentRunView(
        run=found.run,
        state=found.state,
        cutoff=so_far.cutoff,
        digest=drafted.digest if drafted else None,
        submitter=so_far.submitter,
        transfers=len(lines.lines),
        amount_cents=sum(line.amount_cents for line in lines.lines),
        held_transfers=drafted.held_transfers if drafted else 0,
        paid_transfers=so_far.transfers_paid,
        paid_cents=so_far.cents_paid,
        lines=[Line(venue=line.venue, amount_cents=line.amount_cents) for line in lines.lines],
        carried_forward=[
            Line(venue=venue, amount_cents=cents) for venue, cents in lines.carried_forward.items()
        ],
    )


@asynccontextmanager
async def _reading_lines(service: Service, run: RunId) -> AsyncIterator[AsyncConnection]:
    """A connection that sees what a run owes. None is held while the read model is waited for."""
    async with reading(service) as views:
        cutoff = await payment_runs.cutoff_of(views, run)
    await reach(service, "payouts", cutoff, payment_runs.PATIENCE)
    async with reading(service) as views:
        yield views
