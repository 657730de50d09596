"""What a demo came to."""

from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Final

from api.payment_runs import RunView
from ledger.settings import Settings
from ledger.values.ids import RunId
from projections.balances import AccountBalance, TrialBalance, list_balances, trial_balance
from projections.exposure import Exposure, exposure
from projections.payouts import VenuePayout, list_payouts
from projections.waiting import wait_for
from scripts.common import runs
from scripts.common.ledger import Ledger
from scripts.common.reading import log_size
from scripts.demonstration.afternoon import Answers
from scripts.demonstration.preparing import PROGRAMME

PATIENCE: Final = 30.0  # seconds that the read models are given to catch up


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that the summary tells. Cents are cents of a euro."""

    settings: Settings
    tills: int
    answers: Answers
    refused: Counter[str]
    run: RunView
    balances: list[AccountBalance]
    trial: TrialBalance
    payouts: list[VenuePayout]
    exposure: Exposure
    events: int
    seconds: float

    def as_json(self) -> dict[str, object]:
        """The line for programs."""
        return {
            "redeemed": self.answers.tickets,
            "refused": dict(sorted(self.refused.items())),
            "reimbursed_cents": self.run.so_far.cents_paid,
            "events": self.events,
            "seconds": round(self.seconds, 1),
        }


async def tell(
    ledger: Ledger,
    run: RunId,
    *,
    answers: Answers,
    refused: Counter[str],
    tills: int,
    began: float,
) -> Story:
    """Read the day from the read models, once they have seen all of it."""
    views = ledger.views
    events = await log_size(views)
    for model in ("balances", "payouts", "programmes"):
        await wait_for(views, model, events, PATIENCE)
    (exposed,) = [e for e in await exposure(views, PROGRAMME) if e.ordered_tickets]
    return Story(
        settings=ledger.settings,
        tills=tills,
        answers=answers,
        refused=refused,
        run=await runs.show(ledger, run),
        balances=await list_balances(views),
        trial=await trial_balance(views),
        payouts=await list_payouts(views),
        exposure=exposed,
        events=events,
        seconds=monotonic() - began,
    )
