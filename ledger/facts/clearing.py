"""Facts of `payment-run:` and `transfer:` streams."""

from ledger.facts.base import Fact
from ledger.values.ids import RunId, VenueId
from ledger.values.money import Cents


class CutoffFixed(Fact, frozen=True, tag="payment-run.cutoff-fixed.v1"):
    """The run pays what is owed at this fact's own position, whatever the time."""

    run: RunId


class PaymentRunDrafted(Fact, frozen=True, tag="payment-run.drafted.v1"):
    """What the run pays. The lines follow from the log, read as far as the cutoff."""

    run: RunId
    cutoff: int  # position of CutoffFixed
    transfers: int
    amount_cents: Cents
    held_transfers: int  # of them frozen at the draft; looked at again when paid
    part_digests: tuple[str, ...]  # SHA-256 of each part of at most 400 lines
    digest: str  # SHA-256 over run, cutoff, totals and parts: what the approver signs


class PaymentRunSubmitted(Fact, frozen=True, tag="payment-run.submitted.v1"):
    """One person asks for the run's approval."""

    run: RunId
    digest: str


class PaymentRunApproved(Fact, frozen=True, tag="payment-run.approved.v1"):
    """Another person (the event's `actor`) approved exactly this digest."""

    run: RunId
    digest: str
    submitter: str  # never the actor; the database checks it too


class VenueReimbursed(Fact, frozen=True, tag="transfer.venue-reimbursed.v1"):
    """A transfer to the venue left with the run."""

    run: RunId
    end_to_end_id: str
    venue: VenueId
    amount_cents: Cents


class PaymentRunPartPaid(Fact, frozen=True, tag="payment-run.part-paid.v1"):
    """One part of the run left: its transfers stand in streams of their own."""

    run: RunId
    part: int  # from 0
    transfers: int
    amount_cents: Cents
    held_transfers: int  # frozen venues, left out: they stay owed


class PaymentRunClosed(Fact, frozen=True, tag="payment-run.closed.v1"):
    """Every part has left, or the run was withdrawn; the next cutoff may be fixed."""

    run: RunId
    transfers: int  # that left, of all its parts
    amount_cents: Cents
    withdrawn: bool = False  # what had not left stays owed, for another run


RunFact = (
    CutoffFixed
    | PaymentRunDrafted
    | PaymentRunSubmitted
    | PaymentRunApproved
    | PaymentRunPartPaid
    | PaymentRunClosed
)
TransferFact = VenueReimbursed
