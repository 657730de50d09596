from datetime import timedelta
from itertools import pairwise

import pytest

from ledger.decisions.situation import Command
from ledger.facts import AnyFact
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import (
    enrol_terminal,
    invite_terminal,
    qualify_venue,
    redeem,
    register_venue,
    resume_venue,
    revoke_terminal,
    roll_key,
    suspend_venue,
    withdraw_qualification,
)
from tests.builders.facts import (
    key_rolled,
    qualification_withdrawn,
    terminal_enrolled,
    terminal_invited,
    terminal_revoked,
    venue_qualified,
    venue_registered,
    venue_resumed,
    venue_suspended,
)
from tests.builders.history import AT_THE_VENUE, CIRCULATING, READY, facts_of, given, log_of
from tests.builders.world import (
    FINGERPRINT,
    INVITED_UNTIL,
    KEY,
    NEW_FINGERPRINT,
    NOW,
    TERMINAL,
    VENUE,
)


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (qualify_venue(), venue_qualified()),
        (withdraw_qualification(), qualification_withdrawn()),
        (suspend_venue(), venue_suspended()),
        (invite_terminal(), terminal_invited()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_asked_of_a_known_venue_happens(command: Command, fact: AnyFact) -> None:
    assert facts_of(command.decide(given(venue_registered()))) == (fact,)


def test_a_venue_is_registered_under_its_siret() -> None:
    assert facts_of(register_venue().decide(given())) == (venue_registered(),)


def test_a_suspension_ends() -> None:
    log = log_of(venue_registered())

    log.submit(suspend_venue())
    assert log.reference.venues[VENUE].suspended
    assert facts_of(log.submit(resume_venue())) == (venue_resumed(),)
    assert not log.reference.venues[VENUE].suspended


def test_a_device_is_enrolled_with_its_invitation() -> None:
    invited = given(venue_registered(), terminal_invited())

    assert facts_of(enrol_terminal().decide(invited)) == (terminal_enrolled(),)


def test_an_invitation_is_good_until_its_last_second_and_once() -> None:
    """Real time: a demo's shifted clock does not make invitations live longer."""
    log = log_of(venue_registered(), terminal_invited())
    in_time = enrol_terminal(asked_at=INVITED_UNTIL - timedelta(seconds=1))

    assert facts_of(log.submit(in_time, NOW + timedelta(days=1000))) == (terminal_enrolled(),)
    assert log.submit(enrol_terminal()) == Refusal(Reason.INVITATION_USED)


def test_a_revoked_device_redeems_nothing_from_then_on() -> None:
    log = log_of(*READY)

    assert facts_of(log.submit(revoke_terminal())) == (terminal_revoked(),)
    assert log.submit(redeem()) == Refusal(Reason.TERMINAL_REVOKED)


def test_an_invitation_can_be_revoked_before_its_use() -> None:
    log = log_of(venue_registered(), terminal_invited())

    assert facts_of(log.submit(revoke_terminal())) == (terminal_revoked(),)
    assert log.submit(enrol_terminal()) == Refusal(Reason.INVITATION_USED)


def test_a_rolled_key_ends_the_sessions_of_the_old_one() -> None:
    log = log_of(*READY)

    assert facts_of(log.submit(roll_key())) == (key_rolled(),)
    assert log.submit(redeem()) == Refusal(Reason.SESSION_ENDED)
    assert facts_of(log.submit(redeem(fingerprint=NEW_FINGERPRINT)))


def test_the_sessions_of_a_key_are_over_for_good() -> None:
    """Rolled from A to B and back to A, it would revive what was opened with A."""
    log = log_of(*READY)
    log.submit(roll_key())

    back = roll_key(replaces=NEW_FINGERPRINT, public_key=KEY, fingerprint=FINGERPRINT)
    assert log.submit(back, NOW + timedelta(days=400)) == Refusal(Reason.KEY_USED)
    assert log.submit(redeem()) == Refusal(Reason.SESSION_ENDED)


def test_a_key_may_be_rolled_again_a_day_after_the_third_last_time() -> None:
    log = log_of(*READY)
    keys = [FINGERPRINT, *(f"{n:016x}" for n in range(5))]
    rolls = [roll_key(replaces=old, fingerprint=new, command_id=new) for old, new in pairwise(keys)]

    for hours, roll in zip((0, 8, 16), rolls, strict=False):
        assert facts_of(log.submit(roll, NOW + timedelta(hours=hours)))
    assert log.submit(rolls[3], NOW + timedelta(hours=23)) == Refusal(Reason.TOO_MANY_ROLLS)
    assert facts_of(log.submit(rolls[3], NOW + timedelta(hours=24)))
    assert log.submit(rolls[4], NOW + timedelta(hours=31)) == Refusal(Reason.TOO_MANY_ROLLS)
    assert facts_of(log.submit(rolls[4], NOW + timedelta(hours=32)))


def test_reference_data_is_copied_for_a_batch() -> None:
    """A batch that is thrown away leaves no trace in what the next one relies on."""
    before = given(*CIRCULATING).reference
    batch = before.copy()

    batch.fold(terminal_revoked(), 99)
    batch.fold(venue_suspended(), 100)

    assert before == given(*CIRCULATING).reference != batch


def test_a_device_is_not_invited_again_under_its_name() -> None:
    """It would forget that it was revoked."""
    log = log_of(*AT_THE_VENUE, terminal_revoked())

    assert log.submit(invite_terminal(command_id="another")) == Refusal(Reason.INVITATION_USED)
    assert log.reference.terminals[TERMINAL].revoked
