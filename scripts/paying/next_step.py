"""A step of a run that was refused: what to do about it."""

from typing import Final

from api.payment_runs import State, state_of
from api.streams import events_of, fold
from ledger.decisions.clearing import PaymentRun
from ledger.values.ids import RunId, run_stream
from ledger.values.reasons import Reason
from projections.projection import AsyncConnection
from scripts.common.refusals import RefusedError

_NEXT: Final[dict[State, str]] = {
    "cutoff": "has its cutoff; next: `souche payouts draft {run}`",
    "drafted": "is drafted; next: `souche payouts submit {run}`",
    "submitted": "is submitted; next: `souche payouts show {run}`, and by another person "
    "`souche payouts approve {run} --digest DIGEST`",
    "approved": "is approved; next: `souche payouts pay {run}`",
    "closed": "is closed: `souche payouts show {run}` tells what left",
    "withdrawn": "is withdrawn; the next run may begin: `souche payouts cutoff RUN`",
}


async def advised(views: AsyncConnection, run: RunId, error: RefusedError) -> RefusedError:
    """The refusal, with what to do about it."""
    match error.refusal.reason:
        case Reason.RUN_UNKNOWN:
            told = f"There is no run {run}: `souche payouts cutoff {run}` opens it."
        case Reason.RUN_EXISTS:
            told = f"`souche payouts show {run}` shows it; {await _next(views, run)}."
        case Reason.RUN_OPEN:
            other = RunId(str(error.refusal.detail["run"]))
            told = f"One run at a time; {await _next(views, other)}."
        case Reason.RUN_IN_ANOTHER_STATE:
            told = await _next(views, run)
            told = f"{told[0].upper()}{told[1:]}."
        case Reason.RUN_DIGEST_DIFFERS:
            told = (
                "The lines have changed, or the digest is not the one that "
                f"`souche payouts show {run}` prints."
            )
        case _:
            return error
    return RefusedError(error.refusal, told)


async def _next(views: AsyncConnection, run: RunId) -> str:
    so_far = fold(await events_of(views, run_stream(run)), PaymentRun)
    if so_far is None:
        return f"there is no run {run}"
    return f"run {run} " + _NEXT[state_of(so_far)].format(run=run)
