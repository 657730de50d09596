"""One batch, decided: rows in, rows and outcomes out."""

import pytest

from ledger.batch import Batch, Failed, Outcome, Recorded
from ledger.decisions.redemption import RedeemTickets, TerminalCommand
from ledger.decisions.reference import Reference
from ledger.decisions.situation import (
    Accepted,
    Command,
    Decision,
    Finding,
    InvalidCommandError,
    Situation,
)
from ledger.facts import TicketsRedeemed
from ledger.facts.codec import UnreadableEventError, decode, encode
from ledger.log.rows import LARGEST_EVENT
from ledger.values.ids import carnet_stream, programme_stream, terminal_stream, venue_stream
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import (
    check,
    code,
    issue,
    order_carnets,
    publish_rules,
    redeem,
    revoke_terminal,
    void,
    wrong_code,
)
from tests.builders.facts import redeemed, venue_suspended
from tests.builders.history import ELSEWHERE, READY, STARTED, Log, log_of
from tests.builders.world import (
    NOW,
    OTHER_TERMINAL,
    PEPPERS,
    PROGRAMME,
    TERMINAL,
    VENUE,
    with_changes,
)
from tests.ledger.writing import claim

CARNET = carnet_stream("BFC22-0000001")


def decided(*commands: Command, after: Log | None = None) -> Batch:
    """A batch on what this history left in the streams that the commands name."""
    log = after or log_of(*READY)
    named = {stream for command in commands for stream in command.streams}
    stored = [
        (position, encode(event))
        for position, event in enumerate(log.events, start=1)
        if event.stream in named
    ]
    return Batch(commands, stored, log.reference, NOW, PEPPERS)


def outcomes(*commands: Command, after: Log | None = None) -> list[Outcome]:
    log = after or log_of(*READY)
    return decided(*commands, after=log).outcomes(len(log.events))


def test_an_accepted_command_is_the_next_event_of_its_stream() -> None:
    batch = decided(claim(1))

    (event,) = map(decode, batch.rows.states)
    assert (event.stream, event.version, event.recorded_at) == (CARNET, 4, NOW)
    assert (event.command_id, event.actor) == (claim(1).command_id, f"terminal:{TERMINAL}")
    assert (batch.rows.streams, batch.rows.versions) == ([CARNET], [4])
    assert batch.rows.topics == ["tickets.redeemed.v1"]


def test_its_outcome_is_its_last_fact_and_where_that_stands() -> None:
    (ordered, redeemed) = outcomes(order_carnets(order="more", command_id="more"), claim(1))

    base = len(READY)
    assert isinstance(ordered, Recorded)
    assert isinstance(redeemed, Recorded)
    assert (ordered.position, redeemed.position) == (base + 1, base + 2)
    assert isinstance(redeemed.event.fact, TicketsRedeemed)


def test_the_same_ticket_twice_has_one_winner() -> None:
    """The first that arrived."""
    first, second = outcomes(claim(1), claim(1, of="other"))

    assert isinstance(first, Recorded)
    assert isinstance(second, Refusal)
    assert second.reason is Reason.TICKET_ALREADY_REDEEMED


def test_versions_go_on_from_event_to_event() -> None:
    batch = decided(claim(1), claim(2), claim(3))

    assert batch.rows.versions == [4, 5, 6]


def test_the_same_command_twice_happens_once() -> None:
    batch = decided(claim(1), claim(1))
    first, again = batch.outcomes(100)

    assert len(batch.rows) == 1
    assert first == Recorded(101, decode(batch.rows.states[0]))
    assert again == Recorded(101, decode(batch.rows.states[0]), replayed=True)


def test_a_command_that_happened_before_gets_the_first_answer() -> None:
    log = log_of(*READY)
    log.submit(claim(1))
    log.submit(claim(2))

    batch = decided(claim(1), after=log)

    assert not batch.rows
    assert batch.outcomes(0) == [Recorded(len(READY) + 1, log.events[len(READY)], replayed=True)]


def test_an_id_that_stood_for_something_else_is_refused() -> None:
    log = log_of(*READY)
    log.submit(claim(1))
    other = with_changes(claim(2), {"command_id": claim(1).command_id})

    assert outcomes(other, after=log) == [Refusal(Reason.COMMAND_ID_REUSED)]


def test_also_within_one_batch() -> None:
    other = with_changes(claim(2), {"command_id": claim(1).command_id})

    assert outcomes(claim(1), other)[1] == Refusal(Reason.COMMAND_ID_REUSED)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (redeem(1, 3), Reason.TICKET_ALREADY_REDEEMED),
        (redeem(codes=(code(1), wrong_code(3))), Reason.CODE_UNKNOWN),
        (redeem(1, 3, number=9), Reason.CODE_UNKNOWN),
        (redeem(1, 3, fingerprint="another"), Reason.SESSION_ENDED),
        (redeem(1, 3, command_id=claim(3).command_id), Reason.COMMAND_ID_REUSED),
        (void(1, 3), Reason.CLAIM_UNKNOWN),
        (void(codes=(code(1), wrong_code(3))), Reason.CODE_UNKNOWN),
    ],
)
def test_a_refusal_keeps_what_was_attempted(command: TerminalCommand, reason: Reason) -> None:
    """Of a code its serial alone. The device's count and clock say who took a ticket first."""
    log = log_of(*READY)
    log.submit(claim(3))

    batch = decided(command, after=log)
    (kept,) = batch.refused()

    shown = {"carnet": command.stream[len("carnet:") :], "tickets": [1, 3]}
    counted = {"sequence": 1} if isinstance(command, RedeemTickets) else {}
    expected = shown | counted | {"signed_at": NOW.timestamp()}
    assert kept.refusal.reason is reason
    assert kept.evidence == expected
    assert kept.detail == {**expected, **kept.refusal.detail}
    for text in command.codes.values():
        assert text[-8:-1] not in repr(kept)
    assert batch.outcomes(0) == [kept.refusal]


def test_what_an_operator_is_refused_keeps_the_ledgers_own_words_alone() -> None:
    (kept,) = decided(publish_rules(3)).refused()

    assert kept.detail == kept.refusal.detail == {"published": 1}


def test_a_redemption_and_its_void_may_be_in_one_batch() -> None:
    taken = claim(1)
    again = claim(1, of="again")
    results = outcomes(taken, void(1, claim_id=taken.command_id), again)

    assert all(isinstance(each, Recorded) for each in results)


def test_what_follows_a_reference_fact_is_decided_with_it() -> None:
    revoked, refused = outcomes(revoke_terminal(), claim(1))

    assert isinstance(revoked, Recorded)
    assert refused == Refusal(Reason.TERMINAL_REVOKED)


def test_the_writers_reference_data_is_left_as_it_was() -> None:
    """It knows what is committed; this batch may never be."""
    log = log_of(*READY)
    batch = decided(revoke_terminal(), after=log)

    assert batch.changes_reference
    assert batch.reference.terminals[TERMINAL].revoked
    assert not log.reference.terminals[TERMINAL].revoked


def test_without_a_reference_fact_nothing_says_so() -> None:
    batch = decided(claim(1))

    assert not batch.changes_reference
    assert batch.rows.reference_offset == 0


def test_the_last_reference_fact_is_where_the_head_will_say() -> None:
    batch = decided(publish_rules(2), publish_rules(3), claim(1))

    assert batch.rows.reference_offset == 2


def test_one_command_may_extend_several_streams() -> None:
    log = log_of(*STARTED)
    batch = decided(order_carnets(), issue(1, carnets=2), after=log)

    assert batch.rows.streams == [
        programme_stream(PROGRAMME),
        carnet_stream("BFC22-0000001"),
        carnet_stream("BFC22-0000002"),
        programme_stream(PROGRAMME),
    ]
    assert batch.rows.versions == [3, 1, 1, 4]


def test_a_question_changes_nothing() -> None:
    batch = decided(check(1))

    assert not batch.rows
    (found,) = batch.outcomes(0)
    assert isinstance(found, Finding)


def test_refusals_are_kept_with_who_and_what() -> None:
    batch = decided(claim(1), claim(1, of="other"), check(2))

    (kept,) = batch.refused()
    refused = claim(1, of="other")
    assert (kept.command_id, kept.actor, kept.command) == (
        refused.command_id,
        refused.actor,
        "RedeemTickets",
    )
    assert kept.refusal.reason is Reason.TICKET_ALREADY_REDEEMED


class Broken(RedeemTickets, frozen=True, kw_only=True):
    def decide(self, at: Situation) -> Decision:
        raise ZeroDivisionError


class Empty(RedeemTickets, frozen=True, kw_only=True):
    def decide(self, at: Situation) -> Decision:
        return Accepted(())


def of(kind: type[RedeemTickets], ticket: int) -> RedeemTickets:
    plain = claim(ticket)
    return kind(**{name: getattr(plain, name) for name in plain.__struct_fields__})


def test_a_decision_that_breaks_fails_alone() -> None:
    broken, done = outcomes(of(Broken, 1), claim(2))

    assert isinstance(broken, Failed)
    assert isinstance(broken.error, ZeroDivisionError)
    assert isinstance(done, Recorded)


def test_nothing_is_accepted_without_a_fact() -> None:
    with pytest.raises(ValueError, match="Empty was accepted without a fact"):
        decided(of(Empty, 1))


class Swollen(RedeemTickets, frozen=True, kw_only=True):
    """The first two of its facts fit; the second is reference data."""

    def decide(self, at: Situation) -> Decision:
        plain, large = redeemed().fact, redeemed(workshop_id="x" * LARGEST_EVENT).fact
        suspended = (venue_stream(VENUE), venue_suspended())
        return Accepted(((self.stream, plain), suspended, (self.stream, large)))


def test_of_a_command_that_says_too_much_nothing_happens() -> None:
    """Though its first facts were in the batch already."""
    revoke = revoke_terminal(terminal=OTHER_TERMINAL)
    batch = decided(revoke, of(Swollen, 1), claim(1), after=log_of(*READY, *ELSEWHERE))
    _, failed, done = batch.outcomes(0)

    assert isinstance(failed, Failed)
    assert isinstance(failed.error, InvalidCommandError)
    assert isinstance(done, Recorded)
    assert batch.rows.streams == [terminal_stream(OTHER_TERMINAL), CARNET]
    assert batch.rows.versions[1] == 4
    assert batch.rows.reference_offset == 1
    assert not batch.reference.venues[VENUE].suspended


def test_a_stream_that_cant_be_read_says_so() -> None:
    with pytest.raises(UnreadableEventError):
        Batch([claim(1)], [(1, b"{}")], Reference(), NOW, PEPPERS)
