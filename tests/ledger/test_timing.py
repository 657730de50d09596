"""What is wrong with a host is logged now and then, however often it is met."""

import pytest

from ledger import timing
from ledger.timing import Reminder


def test_what_is_wrong_is_told_once_though_its_words_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Positions and minutes in them go on, while others append."""
    reminder = Reminder()
    for position in range(100):
        reminder.tell("reference", f"the log goes up to {position}")

    assert caplog.messages == ["the log goes up to 0"]


def test_one_thing_that_is_wrong_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    reminder = Reminder()
    for _ in range(3):
        reminder.tell("clock", "the clock is ahead")
        reminder.tell("pepper", "a pepper is missing")

    assert caplog.messages == ["the clock is ahead", "a pepper is missing"]


def test_what_stays_wrong_is_told_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "REMIND_AFTER", 0.0)
    reminder = Reminder()
    for minutes in (3, 4):
        reminder.tell("clock", f"the clock is {minutes} minutes ahead")

    assert caplog.messages == ["the clock is 3 minutes ahead", "the clock is 4 minutes ahead"]
