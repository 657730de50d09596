"""Every fault that is planted in a log is found; a log without one is found right."""

from collections import Counter

import pytest

from ledger.facts import AnyFact, Event
from ledger.facts.codec import encode, tag_of
from loadtests.books import Row, add_up
from tests.builders.facts import redeemed, voided
from tests.builders.history import READY
from tests.builders.placing import recorded
from tests.builders.world import with_changes


def rows(*history: AnyFact | Event) -> list[Row]:
    """READY and then `history`, as they stand in the database."""
    versions: Counter[str] = Counter()
    found: list[Row] = []
    for position, item in enumerate((*READY, *history), 1):
        event = item if isinstance(item, Event) else recorded(item)
        versions[event.stream] += 1
        event = with_changes(event, {"version": versions[event.stream]})
        topic = tag_of(type(event.fact))
        found.append((position, event.stream, event.version, topic, encode(event)))
    return found


def test_a_sound_log_adds_up() -> None:
    history = (redeemed(1), redeemed(2, 3, claim="c-2"), voided(1), redeemed(1, claim="c-3"))
    books = add_up(rows(*history), len(READY) + 4)

    assert books.faults == []
    assert books.duplicates == []
    assert books.redemptions.keys() == {redeemed(1).command_id, "c-2", "c-3"}
    assert books.redeemed_tickets == 3
    assert sum(books.balances.values()) == 0
    assert books.balances["401:21250056500016"] == -3000


def test_a_ticket_redeemed_twice_is_a_duplicate() -> None:
    books = add_up(rows(redeemed(1, 2), redeemed(2, claim="c-2")), len(READY) + 2)

    assert [each.partition(",")[2] for each in books.duplicates] == [
        f" ticket 2: {redeemed().command_id}, then c-2"
    ]


def test_a_claim_recorded_twice_is_a_duplicate() -> None:
    books = add_up(rows(redeemed(1), redeemed(1)), len(READY) + 2)

    assert books.duplicates == [f"claim {redeemed().command_id} again at position {books.size}"]


def test_a_ticket_taken_back_can_be_taken_again() -> None:
    assert (
        add_up(rows(redeemed(1), voided(1), redeemed(1, claim="c-2")), len(READY) + 3).duplicates
        == []
    )


@pytest.mark.parametrize(
    ("void", "told"),
    [(voided(1, claim="never"), "which never was"), (voided(2), "did not hold")],
)
def test_a_void_takes_back_what_was_redeemed(void: Event, told: str) -> None:
    (fault, *_) = add_up(rows(redeemed(1), void), len(READY) + 2).faults

    assert told in fault


def test_a_gap_in_the_positions_is_a_fault() -> None:
    whole = rows(redeemed(1))
    missing = whole[:3] + whole[4:]

    assert "position 5 follows 3" in add_up(missing, len(whole)).faults


def test_a_gap_in_the_versions_of_a_stream_is_a_fault() -> None:
    *others, (position, stream, version, topic, state) = rows(redeemed(1))
    books = add_up([*others, (position, stream, version + 1, topic, state)], position)

    assert f"{stream}: version {version + 1} follows {version - 1}" in books.faults
    assert f"position {position}: the columns say {stream}, {version + 1}, {topic}" in books.faults


def test_a_head_that_is_not_at_the_end_is_a_fault() -> None:
    assert add_up(rows(), len(READY) + 1).faults == [
        f"the head says {len(READY) + 1} events, the last position is {len(READY)}"
    ]


def test_bytes_that_are_no_event_are_a_fault() -> None:
    *others, (position, stream, version, topic, _) = rows(redeemed(1))
    books = add_up([*others, (position, stream, version, topic, b"{}")], position)

    assert len(books.faults) == 1
    assert "can't be read" in books.faults[0]
