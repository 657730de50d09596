"""What a terminal is told: receipts, verdicts, and the problems that tell failures."""

from http import HTTPStatus
from typing import Final

import msgspec

from api.contract import RedemptionReceipt, Verdict, VoidReceipt
from api.mistakes import in_words
from api.problems import Problem, problem
from ledger.batch import Recorded
from ledger.facts import RedemptionVoided, TicketsRedeemed
from ledger.writer import CommandFailedError, OutcomeUnknownError, OverloadedError

_OK: Final = HTTPStatus.OK  # an enumeration is slow to look things up in
_CREATED: Final = HTTPStatus.CREATED


def status_of(outcome: Recorded) -> int:
    """201, or 200 where it had happened before."""
    return _OK if outcome.replayed else _CREATED


def receipt(outcome: Recorded) -> RedemptionReceipt:
    """Of a claim that has happened."""
    event, fact = outcome.event, outcome.event.fact
    if not isinstance(fact, TicketsRedeemed):
        raise TypeError(f"a claim led to {type(fact).__name__}")
    return RedemptionReceipt(
        claim_id=event.command_id,
        position=outcome.position,
        carnet=event.stream[len("carnet:") :],
        tickets=fact.tickets,
        amount_cents=fact.amount_cents,
        venue=fact.venue,
        served_at=fact.served_at,
        served_on=fact.served_on,
        replayed=outcome.replayed,
        voided=outcome.undone,
    )


def void_receipt(outcome: Recorded) -> VoidReceipt:
    """Of a void that has happened."""
    event, fact = outcome.event, outcome.event.fact
    if not isinstance(fact, RedemptionVoided):
        raise TypeError(f"a void led to {type(fact).__name__}")
    return VoidReceipt(
        void_id=event.command_id,
        claim_id=fact.claim_id,
        position=outcome.position,
        tickets=fact.tickets,
        amount_cents=fact.amount_cents,
        replayed=outcome.replayed,
    )


def verdict(claim_id: str, outcome: Recorded | Problem) -> Verdict:
    """On one claim of a batch."""
    if isinstance(outcome, Problem):
        return Verdict(claim_id=claim_id, **msgspec.structs.asdict(outcome))
    told = receipt(outcome)
    return Verdict(  # part by part: nearly all are these, and a mapping takes five times as long
        claim_id=claim_id,
        status=status_of(outcome),
        position=told.position,
        carnet=told.carnet,
        tickets=told.tickets,
        amount_cents=told.amount_cents,
        venue=told.venue,
        served_at=told.served_at,
        served_on=told.served_on,
        replayed=told.replayed,
        voided=told.voided,
    )


def problem_of(error: Exception) -> Problem:
    """The problem that tells a failure of the writer or an unreadable body."""
    match error:
        case OverloadedError():
            return problem("overloaded")
        case OutcomeUnknownError():
            return problem("unavailable")
        case CommandFailedError():
            return problem("failed")
        case msgspec.ValidationError():
            return problem("invalid", in_words(str(error)))
        case _:
            return problem("malformed")
