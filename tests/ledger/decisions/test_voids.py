"""A venue takes a redemption back (E27)."""

from datetime import timedelta

import pytest

from ledger.decisions.situation import Accepted
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import redeem, void
from tests.builders.facts import (
    assigned,
    cutoff_fixed,
    redeemed,
    rules_published,
    terminal_enrolled,
    terminal_invited,
    voided,
)
from tests.builders.history import READY, WORN, facts_of, given, log_of, reason_of, under
from tests.builders.world import NEW_FINGERPRINT, NOW, OTHER_TERMINAL

SECOND = timedelta(seconds=1)
WITHIN = NOW + timedelta(minutes=30)


def test_the_venue_takes_a_redemption_back_and_the_ticket_serves_again() -> None:
    log = log_of(*READY)
    log.submit(redeem(1, 2))

    assert facts_of(log.submit(void(1, 2), WITHIN)) == (voided(1, 2).fact,)
    assert isinstance(log.submit(redeem(1, command_id="again"), WITHIN), Accepted)


def test_another_device_of_the_venue_may_void() -> None:
    beside = (
        terminal_invited(terminal=OTHER_TERMINAL),
        terminal_enrolled(terminal=OTHER_TERMINAL, fingerprint=NEW_FINGERPRINT),
    )
    undo = void(terminal=OTHER_TERMINAL, fingerprint=NEW_FINGERPRINT)

    assert facts_of(undo.decide(given(*READY, redeemed(), *beside))) == (
        voided(terminal=OTHER_TERMINAL).fact,
    )


def test_a_void_before_the_next_cutoff_is_in_time() -> None:
    history = (cutoff_fixed(), *READY, redeemed())

    assert isinstance(void().decide(given(*history)), Accepted)


def test_the_last_void_that_a_carnet_may_have_is_one() -> None:
    """After it tickets are still taken; but a carnet's stream does not grow for ever."""
    log = log_of(*WORN[:-1])

    assert isinstance(log.submit(void(claim_id="claim-14")), Accepted)
    assert isinstance(log.submit(redeem()), Accepted)
    assert log.submit(void()) == Refusal(Reason.TOO_MANY_VOIDS, 1, {"carnet": "BFC22-0000001"})


def test_the_delay_for_a_void_is_that_of_the_tickets_rules() -> None:
    history = (*under(READY, void_minutes=5), redeemed())

    assert isinstance(void().decide(given(*history, at=NOW + timedelta(minutes=5))), Accepted)
    late = void().decide(given(*history, at=NOW + timedelta(minutes=5, seconds=1)))
    assert reason_of(late) is Reason.VOID_TOO_LATE


@pytest.mark.parametrize(
    ("tickets", "newer", "version", "minutes"),
    [
        ((2,), 5, 1, 30),
        ((1,), 5, 2, 5),
        ((1, 3), 5, 2, 5),
        ((1, 2), 5, 2, 5),
        ((1, 2), 45, 1, 30),
    ],
)
def test_on_a_split_carnet_the_shortest_delay_of_the_tickets_rules_counts(
    tickets: tuple[int, ...], newer: int, version: int, minutes: int
) -> None:
    """E25: not those of another beneficiary's tickets of the same carnet."""
    history = (
        *READY[:-1],
        rules_published(2, void_minutes=newer),
        assigned(tickets=(2,), rule_version=1),
        assigned(tickets=(1, 3), rule_version=2),
        redeemed(*tickets),
    )
    last = NOW + timedelta(minutes=minutes)

    assert isinstance(void(*tickets).decide(given(*history, at=last)), Accepted)
    assert void(*tickets).decide(given(*history, at=last + SECOND)) == Refusal(
        Reason.VOID_TOO_LATE, version, {"carnet": "BFC22-0000001"}
    )


def test_a_second_redemption_of_the_same_ticket_can_be_voided_too() -> None:
    log = log_of(*READY)
    for claim in ("a", "b"):
        assert isinstance(log.submit(redeem(command_id=claim)), Accepted)
        undo = void(command_id=f"void {claim}", claim_id=claim)
        assert isinstance(log.submit(undo), Accepted)
