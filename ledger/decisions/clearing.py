"""Payment runs: cutoff, draft, submit, approve, pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from ledger.decisions.situation import Accepted, Command, Decision, Situation
from ledger.facts import (
    AnyFact,
    CutoffFixed,
    Event,
    PaymentRunApproved,
    PaymentRunClosed,
    PaymentRunDrafted,
    PaymentRunPartPaid,
    PaymentRunSubmitted,
    RunFact,
    VenueReimbursed,
)
from ledger.values.ids import RunId, StreamId, VenueId, end_to_end_id, run_stream, transfer_stream
from ledger.values.money import Cents
from ledger.values.reasons import Reason, Refusal

LINES_A_PART = 400


class RunLine(msgspec.Struct, frozen=True):
    """What a run owes to one venue at its cutoff."""

    venue: VenueId
    amount_cents: Cents  # positive: what is negative carries forward

    def __post_init__(self) -> None:
        if self.amount_cents <= 0:
            raise ValueError(f"a transfer of {self.amount_cents} cents to {self.venue}")


@dataclass(slots=True)
class PaymentRun:
    """A run as far as it has come."""

    cutoff: int
    drafted: PaymentRunDrafted | None = None
    submitter: str | None = None
    approved: bool = False
    parts_paid: int = 0
    transfers_paid: int = 0
    cents_paid: int = 0
    closed: bool = False
    withdrawn: bool = False


def evolve(run: PaymentRun | None, event: Event, fact: RunFact, position: int) -> PaymentRun:
    """Fold one event in.

    Raises:
        ValueError: the stream does not start with CutoffFixed.
    """
    if isinstance(fact, CutoffFixed):
        return PaymentRun(position)
    if run is None:
        raise ValueError(f"{event.stream} does not start with its cutoff")
    match fact:
        case PaymentRunDrafted():
            run.drafted = fact
        case PaymentRunSubmitted():
            run.submitter = event.actor
        case PaymentRunApproved():
            run.approved = True
        case PaymentRunPartPaid():
            run.parts_paid += 1
            run.transfers_paid += fact.transfers
            run.cents_paid += fact.amount_cents
        case PaymentRunClosed():
            run.closed, run.withdrawn = True, fact.withdrawn
    return run


def parts_of(lines: Sequence[RunLine]) -> list[tuple[RunLine, ...]]:
    """The lines in the order of their venues, cut into the parts that a run is paid in."""
    ordered = sorted(lines, key=lambda line: line.venue)
    return [
        tuple(ordered[start : start + LINES_A_PART])
        for start in range(0, len(ordered), LINES_A_PART)
    ]


def part_digest(lines: Sequence[RunLine]) -> str:
    """SHA-256 over one part's lines, as JSON."""
    return sha256(msgspec.json.encode(lines)).hexdigest()


def run_digest(
    run: str, cutoff: int, transfers: int, amount_cents: int, part_digests: Sequence[str]
) -> str:
    """What an approver signs: any change of a line, a total, the cutoff or the run changes it."""
    told = [run, str(cutoff), str(transfers), str(amount_cents), *part_digests]
    return sha256("\n".join(told).encode()).hexdigest()


class RunCommand(Command, frozen=True, kw_only=True):
    """A command about a run that has its cutoff."""

    run: RunId

    @property
    def stream(self) -> StreamId:
        return run_stream(self.run)

    def decide(self, at: Situation) -> Decision:
        run: PaymentRun | None = at.streams.get(self.stream)
        return Refusal(Reason.RUN_UNKNOWN) if run is None else self.decide_run(run, at)

    def decide_run(self, run: PaymentRun, at: Situation) -> Decision:
        """Decide on a run that exists."""
        raise NotImplementedError  # pragma: no cover


class PersonalAct(RunCommand, frozen=True, kw_only=True):
    """What one person did: another who asks for the same asks for something else."""

    def repeats(self, event: Event) -> bool:
        return event.actor == self.actor and super().repeats(event)


class FixCutoff(Command, frozen=True, kw_only=True):
    """Draw the line: the run pays what is owed at this command's own position."""

    run: RunId

    @property
    def stream(self) -> StreamId:
        return run_stream(self.run)

    def decide(self, at: Situation) -> Decision:
        if self.run in at.reference.runs:
            return Refusal(Reason.RUN_EXISTS)
        if at.reference.open_run is not None:
            return Refusal(Reason.RUN_OPEN, detail={"run": at.reference.open_run})
        return Accepted(((self.stream, CutoffFixed(run=self.run)),))


class DraftRun(RunCommand, frozen=True, kw_only=True):
    """Lay down what the run pays. The lines follow from the log; their digests stand here."""

    cutoff: int
    part_digests: tuple[str, ...]
    transfers: int
    held_transfers: int
    amount_cents: Cents

    def decide_run(self, run: PaymentRun, at: Situation) -> Decision:
        if run.closed or run.drafted is not None or run.cutoff != self.cutoff:
            return Refusal(Reason.RUN_IN_ANOTHER_STATE)
        drafted = PaymentRunDrafted(
            run=self.run,
            cutoff=self.cutoff,
            transfers=self.transfers,
            amount_cents=self.amount_cents,
            held_transfers=self.held_transfers,
            part_digests=self.part_digests,
            digest=run_digest(
                self.run, self.cutoff, self.transfers, self.amount_cents, self.part_digests
            ),
        )
        return Accepted(((self.stream, drafted),))


class SubmitRun(PersonalAct, frozen=True, kw_only=True):
    """Ask another person to approve the run."""

    def decide_run(self, run: PaymentRun, at: Situation) -> Decision:
        if run.closed or run.drafted is None or run.submitter is not None:
            return Refusal(Reason.RUN_IN_ANOTHER_STATE)
        submitted = PaymentRunSubmitted(run=self.run, digest=run.drafted.digest)
        return Accepted(((self.stream, submitted),))


class ApproveRun(PersonalAct, frozen=True, kw_only=True):
    """Approve exactly this digest; never the person who submitted it."""

    digest: str

    def decide_run(self, run: PaymentRun, at: Situation) -> Decision:
        if run.submitter == self.actor:
            return Refusal(Reason.SAME_PERSON)
        if run.closed or run.drafted is None or run.submitter is None or run.approved:
            return Refusal(Reason.RUN_IN_ANOTHER_STATE)
        if run.drafted.digest != self.digest:
            return Refusal(Reason.RUN_DIGEST_DIFFERS)
        approved = PaymentRunApproved(run=self.run, digest=self.digest, submitter=run.submitter)
        return Accepted(((self.stream, approved),))


class WithdrawRun(RunCommand, frozen=True, kw_only=True):
    """Close a run before its end: no more of it leaves, and what has not left stays owed.

    Approved or not, or the lines of an approved run that no longer match would hold up every later
    run. It takes one person: two are needed to let money leave, not to keep it.
    """

    def decide_run(self, run: PaymentRun, at: Situation) -> Decision:
        if run.closed:
            return Refusal(Reason.RUN_IN_ANOTHER_STATE)
        closed = PaymentRunClosed(
            run=self.run,
            transfers=run.transfers_paid,
            amount_cents=Cents(run.cents_paid),
            withdrawn=True,
        )
        return Accepted(((self.stream, closed),))


class PayPart(RunCommand, frozen=True, kw_only=True):
    """Let one part of an approved run leave. Venues frozen meanwhile are left out, still owed."""

    may_wait = True

    part: int
    lines: tuple[RunLine, ...]

    @property
    def streams(self) -> tuple[StreamId, ...]:
        transfers = (transfer_stream(end_to_end_id(self.run, line.venue)) for line in self.lines)
        return (self.stream, *transfers)

    @property
    def weight(self) -> int:
        return len(self.lines) + 2

    def decide_run(self, run: PaymentRun, at: Situation) -> Decision:
        drafted = run.drafted
        if drafted is None or not run.approved or run.closed or run.parts_paid != self.part:
            return Refusal(Reason.RUN_IN_ANOTHER_STATE)
        if self.part < len(drafted.part_digests):
            if part_digest(self.lines) != drafted.part_digests[self.part]:
                return Refusal(Reason.RUN_DIGEST_DIFFERS)
        elif self.lines:  # a run without lines is closed by one empty part
            return Refusal(Reason.RUN_DIGEST_DIFFERS)

        # From here on the part leaves.
        paid = [line for line in self.lines if not at.reference.venues[line.venue].suspended]
        amount = sum(line.amount_cents for line in paid)
        own = self.stream
        facts: list[tuple[StreamId, AnyFact]] = [
            (transfer_stream(transfer.end_to_end_id), transfer)
            for transfer in (self._transfer(line) for line in paid)
        ]
        left = PaymentRunPartPaid(
            run=self.run,
            part=self.part,
            transfers=len(paid),
            amount_cents=Cents(amount),
            held_transfers=len(self.lines) - len(paid),
        )
        facts.append((own, left))
        if self.part + 1 >= len(drafted.part_digests):
            closed = PaymentRunClosed(
                run=self.run,
                transfers=run.transfers_paid + len(paid),
                amount_cents=Cents(run.cents_paid + amount),
            )
            facts.append((own, closed))
        return Accepted(tuple(facts))

    def _transfer(self, line: RunLine) -> VenueReimbursed:
        return VenueReimbursed(
            run=self.run,
            end_to_end_id=end_to_end_id(self.run, line.venue),
            venue=line.venue,
            amount_cents=line.amount_cents,
        )
