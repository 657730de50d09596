from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from ledger.decisions.clearing import (
    LINES_A_PART,
    RunLine,
    part_digest,
    parts_of,
    run_digest,
)
from ledger.decisions.situation import Accepted, Decision
from ledger.facts import PaymentRunClosed, PaymentRunPartPaid, VenueReimbursed
from ledger.values.ids import RunId, VenueId, end_to_end_id, run_stream, transfer_stream
from ledger.values.money import Cents
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import (
    approve_run,
    draft_run,
    fix_cutoff,
    pay_part,
    submit_run,
    void,
    withdraw_run,
)
from tests.builders.facts import (
    cutoff_fixed,
    part_paid,
    redeemed,
    run_approved,
    run_closed,
    run_drafted,
    run_submitted,
    run_withdrawn,
    venue_registered,
    venue_reimbursed,
    venue_resumed,
    venue_suspended,
)
from tests.builders.history import (
    APPROVED,
    DRAFTED,
    PAID,
    READY,
    SUBMITTED,
    History,
    Log,
    facts_of,
    given,
    log_of,
)
from tests.builders.placing import recorded
from tests.builders.world import APPROVER, OPERATOR, OTHER_VENUE, RUN, VENUE

MANY = [RunLine(VenueId(f"{number:014}"), Cents(number)) for number in range(1, 1002)]


def test_a_run_goes_from_its_cutoff_to_its_end() -> None:
    log = log_of()

    assert facts_of(log.submit(fix_cutoff())) == (cutoff_fixed(),)
    assert facts_of(log.submit(draft_run())) == (run_drafted(),)
    assert facts_of(log.submit(submit_run())) == (run_submitted(),)
    assert facts_of(log.submit(approve_run())) == (run_approved(),)
    log.append(recorded(venue_registered()))
    assert facts_of(log.submit(pay_part())) == (venue_reimbursed(), part_paid(), run_closed())
    assert facts_of(log.submit(fix_cutoff(RunId("2022-07")))) == (cutoff_fixed(RunId("2022-07")),)


def test_a_transfer_stands_in_a_stream_of_its_own() -> None:
    outcome = pay_part().decide(given(*APPROVED))

    assert isinstance(outcome, Accepted)
    assert [stream for stream, _ in outcome.facts] == [
        transfer_stream(end_to_end_id(RUN, VENUE)),
        run_stream(RUN),
        run_stream(RUN),
    ]


def test_nobody_approves_what_they_submitted_whoever_drafted_it() -> None:
    log = log_of(*DRAFTED)
    log.submit(submit_run(actor=APPROVER))

    assert log.submit(approve_run(actor=APPROVER)) == Refusal(Reason.SAME_PERSON)
    assert facts_of(log.submit(approve_run(actor=OPERATOR)))


def test_an_approval_is_of_one_digest() -> None:
    other = run_digest(RUN, 2, 1, 1000, run_drafted().part_digests)

    assert approve_run(digest=other).decide(given(*SUBMITTED)) == Refusal(Reason.RUN_DIGEST_DIFFERS)


def test_any_change_of_a_line_a_total_the_cutoff_or_the_run_changes_the_digest() -> None:
    lines = [RunLine(VENUE, Cents(1000)), RunLine(OTHER_VENUE, Cents(500))]
    parts = [part_digest(lines)]
    digests = {
        run_digest("a", 1, 2, 1500, parts),
        run_digest("b", 1, 2, 1500, parts),
        run_digest("a", 2, 2, 1500, parts),
        run_digest("a", 1, 1, 1500, parts),
        run_digest("a", 1, 2, 1501, parts),
        run_digest("a", 1, 2, 1500, [part_digest(lines[:1])]),
        run_digest("a", 1, 2, 1500, [part_digest([RunLine(VENUE, Cents(1001)), lines[1]])]),
        run_digest("a", 1, 2, 1500, [part_digest([RunLine(OTHER_VENUE, Cents(1000)), lines[1]])]),
        run_digest("a", 1, 2, 1500, [*parts, *parts]),
        run_digest("a", 1, 2, 1500, []),
    }

    assert len(digests) == 10


def test_digests_are_pinned() -> None:
    """An approver has signed one: the same lines give it for ever."""
    assert part_digest([RunLine(VENUE, Cents(1000))]) == (
        "1e0c28e3d3107d5ca8edee0ec4e1a073e9312b2b7cb1bb689e5c1666e8d2aad3"
    )
    assert run_digest(RUN, 1, 1, 1000, ["0" * 64]) == (
        "153abb67b9652b798975c27422facd2bbe0bdf3ba9e3abbc47a46032adf0c0ca"
    )


@settings(max_examples=20)
@drawn(st.permutations(MANY))
def test_parts_follow_from_the_lines_alone(lines: Sequence[RunLine]) -> None:
    parts = parts_of(lines)

    assert [len(part) for part in parts] == [LINES_A_PART, LINES_A_PART, 201]
    assert [line for part in parts for line in part] == MANY


@pytest.mark.parametrize("cents", [0, -1])
def test_a_line_pays_something(cents: int) -> None:
    """A negative balance carries forward."""
    with pytest.raises(ValueError, match="a transfer of"):
        RunLine(VENUE, Cents(cents))


def approved(lines: Sequence[RunLine]) -> Log:
    """A run of these lines, ready to leave."""
    digests = [part_digest(part) for part in parts_of(lines)]
    return log_of(
        cutoff_fixed(),
        run_drafted(parts=digests),
        run_submitted(parts=digests),
        run_approved(parts=digests),
        *(venue_registered(venue=line.venue) for line in lines),
    )


def test_a_long_run_leaves_part_by_part_in_order_and_closes_with_the_last() -> None:
    log, parts = approved(MANY), parts_of(MANY)

    assert log.submit(pay_part(part=1, lines=parts[1])) == Refusal(Reason.RUN_IN_ANOTHER_STATE)
    left = [facts_of(log.submit(pay_part(part=n, lines=part))) for n, part in enumerate(parts)]

    for facts, part in zip(left, parts, strict=True):
        assert [fact.venue for fact in facts if isinstance(fact, VenueReimbursed)] == [
            line.venue for line in part
        ]
    assert [isinstance(facts[-1], PaymentRunClosed) for facts in left] == [False, False, True]
    assert left[-1][-1] == PaymentRunClosed(run=RUN, transfers=1001, amount_cents=Cents(501_501))


def test_a_venue_frozen_meanwhile_is_left_out_and_the_others_are_paid() -> None:
    """E06: its money stays owed, for a later run."""
    lines = parts_of([RunLine(VENUE, Cents(1000)), RunLine(OTHER_VENUE, Cents(500))])[0]
    log = approved(lines)
    log.append(recorded(venue_suspended()))

    facts = facts_of(log.submit(pay_part(lines=lines)))

    assert facts[1:] == (
        PaymentRunPartPaid(run=RUN, part=0, transfers=1, amount_cents=Cents(500), held_transfers=1),
        PaymentRunClosed(run=RUN, transfers=1, amount_cents=Cents(500)),
    )


def test_a_venue_resumed_in_time_is_paid() -> None:
    history = (*APPROVED, venue_suspended(), venue_resumed())

    assert venue_reimbursed() in facts_of(pay_part().decide(given(*history)))


def test_a_run_that_owes_nothing_is_closed_by_one_empty_part() -> None:
    log = approved([])

    assert facts_of(log.submit(pay_part(lines=()))) == (
        PaymentRunPartPaid(run=RUN, part=0, transfers=0, amount_cents=Cents(0), held_transfers=0),
        PaymentRunClosed(run=RUN, transfers=0, amount_cents=Cents(0)),
    )


def test_a_closed_run_is_over() -> None:
    """Closed again, it would open the way for a third run beside the second."""
    log = log_of(*PAID)
    log.submit(fix_cutoff(RunId("2022-07")))

    again = log.submit(pay_part(part=1, lines=()))

    assert again == Refusal(Reason.RUN_IN_ANOTHER_STATE)
    assert log.reference.open_run == "2022-07"


@pytest.mark.parametrize(
    "history",
    [(cutoff_fixed(),), DRAFTED, SUBMITTED, APPROVED],
    ids=["cut off", "drafted", "submitted", "approved"],
)
def test_a_run_that_paid_nothing_yet_can_be_withdrawn(history: History) -> None:
    """It pays nothing, and the next run pays what it would have paid."""
    log = log_of(*history)

    assert facts_of(log.submit(withdraw_run())) == (run_withdrawn(),)
    assert log.reference.open_run is None
    assert facts_of(log.submit(fix_cutoff(RunId("2022-07")))) == (cutoff_fixed(RunId("2022-07")),)


def test_a_withdrawn_run_goes_no_further() -> None:
    log = log_of(*SUBMITTED, run_withdrawn())

    for command in (draft_run(), submit_run(), approve_run(), pay_part(), withdraw_run()):
        assert log.submit(command) == Refusal(Reason.RUN_IN_ANOTHER_STATE)
    approved_before = log_of(*APPROVED, run_withdrawn())
    assert approved_before.submit(pay_part()) == Refusal(Reason.RUN_IN_ANOTHER_STATE)
    assert log.submit(fix_cutoff()) == Refusal(Reason.RUN_EXISTS)


def test_an_approved_run_whose_lines_no_longer_match_does_not_hold_up_the_next() -> None:
    """It can't be paid, and nothing else could ever close it."""
    log = log_of(*APPROVED)
    changed = pay_part(lines=(RunLine(VENUE, Cents(2000)),))

    assert log.submit(changed) == Refusal(Reason.RUN_DIGEST_DIFFERS)
    assert facts_of(log.submit(withdraw_run())) == (run_withdrawn(),)
    assert isinstance(log.submit(fix_cutoff(RunId("2022-07"))), Accepted)


def test_what_had_left_before_a_run_was_withdrawn_is_recorded() -> None:
    """The parts that left are paid; the others stay owed, and never leave with this run."""
    log, parts = approved(MANY), parts_of(MANY)
    log.submit(pay_part(lines=parts[0]))

    assert facts_of(log.submit(withdraw_run())) == (
        PaymentRunClosed(
            run=RUN, transfers=LINES_A_PART, amount_cents=Cents(80_200), withdrawn=True
        ),
    )
    assert log.submit(pay_part(part=1, lines=parts[1])) == Refusal(Reason.RUN_IN_ANOTHER_STATE)


def test_what_is_paid_can_not_be_withdrawn() -> None:
    assert log_of(*PAID).submit(withdraw_run()) == Refusal(Reason.RUN_IN_ANOTHER_STATE)


def test_the_cutoff_of_a_run_that_paid_nothing_is_none() -> None:
    """Redemptions before it were paid by no run, so they can still be taken back."""
    log = log_of(*READY, redeemed())
    log.append(recorded(cutoff_fixed()))
    assert refused_with(Reason.CUTOFF_PASSED, log.submit(void()))
    log.append(recorded(run_withdrawn()))

    assert isinstance(log.submit(void()), Accepted)


def test_the_cutoff_before_it_holds_again() -> None:
    log = log_of(*READY, redeemed(), cutoff_fixed(), run_closed())
    log.append(recorded(cutoff_fixed(RunId("2022-07"))))
    log.append(recorded(run_withdrawn(RunId("2022-07"))))

    assert refused_with(Reason.CUTOFF_PASSED, log.submit(void()))


def test_the_cutoff_of_a_run_that_paid_in_part_stays() -> None:
    """What was redeemed before it may be in a transfer that has left."""
    log = log_of(*READY, redeemed(), cutoff_fixed())
    log.append(recorded(msgspec.structs.replace(run_closed(), withdrawn=True)))

    assert refused_with(Reason.CUTOFF_PASSED, log.submit(void()))


def refused_with(reason: Reason, decision: Decision) -> bool:
    return isinstance(decision, Refusal) and decision.reason is reason


def test_the_submitter_may_withdraw_what_they_submitted() -> None:
    """Two people are needed to let money leave, not to keep it."""
    log = log_of(*DRAFTED)
    log.submit(submit_run(actor=APPROVER))

    assert facts_of(log.submit(withdraw_run(actor=APPROVER))) == (run_withdrawn(),)
