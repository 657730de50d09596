"""The steps of a payment run, each repeatable: what is done is not done twice."""

from uuid import uuid4

from api import payment_runs
from api.payment_runs import RunView
from api.streams import events_of, fold
from ledger.batch import Outcome, Recorded
from ledger.decisions.clearing import ApproveRun, FixCutoff, PaymentRun, SubmitRun, WithdrawRun
from ledger.facts import PaymentRunApproved, PaymentRunSubmitted
from ledger.values.ids import RunId, run_stream
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
    done = await _own_step(ledger, run, PaymentRunSubmitted)
    if done is not None:
        return done
    return await ledger.do(SubmitRun(command_id=str(uuid4()), actor=ledger.actor.id, run=run))


async def approve(ledger: Ledger, run: RunId, digest: str) -> Recorded:
    """Approve exactly this digest; never who submitted it."""
    done = await _own_step(ledger, run, PaymentRunApproved, digest)
    if done is not None:
        return done
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


async def _own_step(
    ledger: Ledger,
    run: RunId,
    kind: type[PaymentRunSubmitted | PaymentRunApproved],
    digest: str | None = None,
) -> Recorded | None:
    """The same step, if this very person took it and the run was not withdrawn since."""
    events = await events_of(ledger.views, run_stream(run))
    so_far = fold(events, PaymentRun)
    if so_far is None or so_far.withdrawn:
        return None
    for position, event in events:
        fact = event.fact
        if isinstance(fact, kind) and event.actor == ledger.actor.id:
            return (
                Recorded(position, event, replayed=True) if digest in {None, fact.digest} else None
            )
    return None


def _recorded(outcome: Outcome) -> Recorded:
    if isinstance(outcome, Refusal):
        raise RefusedError(outcome)
    if not isinstance(outcome, Recorded):
        raise TypeError(f"unexpected outcome {type(outcome).__name__}")
    return outcome
