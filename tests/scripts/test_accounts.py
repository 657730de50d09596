"""The books' accounts are told in words."""

from ledger.journal import entry_for
from scripts.common.accounts import LEGEND, meaning_of
from tests.builders.examples import EXAMPLES


def test_every_account_that_is_booked_on_has_a_meaning() -> None:
    entries = [entry_for(event.fact) for event in EXAMPLES.values()]
    booked = {posting.account for entry in entries if entry for posting in entry.postings}

    assert len(booked) > 5
    assert all(meaning_of(account) in LEGEND for account in booked)
