"""The steps of a payment run, each repeatable: what is done is not done twice."""

from uuid import uuid4

from api import payment_runs
from api.payment_runs import RunView
from ledger.batch import Outcome, Recorded
from ledger.decisions.clearing import ApproveRun, FixCutoff, SubmitRun, WithdrawRun
from ledger.values.ids import RunId
from ledger.values.reasons import Reason, Refusal
from projections.projection import AsyncConnection
from scripts.common.ledger import Ledger, until_known
from scripts.common.refusals import RefusedError


async def fix_cutoff(ledger: Ledger, run: RunId) -> Recorded:
    """Draw the line: the run pays what is owed at this position."""
    return await ledger.do(FixCutoff(command_id=str(uuid4()), actor=ledger.actor.id, run=run))


async def draft(ledger: Ledger, run: RunId) -> Recorded:
    """Lay down what the run pays. Waits for the read model to come to the cutoff."""
    command_id = str(uuid4())
    return _recorded(
        await until_known(
            lambda: payment_runs.draft(
                ledger.writer, ledger.views, run, command_id, ledger.actor.id
            )
        )
    )


async def submit(ledger: Ledger, run: RunId) -> Recorded:
    """Ask another person to approve the run."""
    return await ledger.do(SubmitRun(command_id=str(uuid4()), actor=ledger.actor.id, run=run))


async def approve(ledger: Ledger, run: RunId, digest: str) -> Recorded:
    """Approve exactly this digest; never who submitted it."""
    command = ApproveRun(command_id=str(uuid4()), actor=ledger.actor.id, run=run, digest=digest)
    return await ledger.do(command)


async def pay(ledger: Ledger, run: RunId) -> Recorded:
    """Let every transfer leave that has not left yet."""
    return _recorded(
        await until_known(
            lambda: payment_runs.pay(ledger.writer, ledger.views, run, ledger.actor.id)
        )
    )


async def withdraw(ledger: Ledger, run: RunId) -> Recorded:
    """Close a run before its end. What has not left stays owed."""
    return await ledger.do(WithdrawRun(command_id=str(uuid4()), actor=ledger.actor.id, run=run))


async def view(views: AsyncConnection, run: RunId) -> RunView | None:
    """The run as far as it has come; None where there is none."""
    return await payment_runs.view(views, run)


async def show(ledger: Ledger, run: RunId) -> RunView:
    """The run as far as it has come.

    Raises:
        RefusedError: there is no such run.
    """
    found = await view(ledger.views, run)
    if found is None:
        raise RefusedError(Refusal(Reason.RUN_UNKNOWN))
    return found


def _recorded(outcome: Outcome) -> Recorded:
    if isinstance(outcome, Refusal):
        raise RefusedError(outcome)
    if not isinstance(outcome, Recorded):
        raise TypeError(f"unexpected outcome {type(outcome).__name__}")
    return outcome
