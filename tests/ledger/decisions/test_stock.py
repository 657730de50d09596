from datetime import UTC, datetime, timedelta

import pytest

from ledger.decisions.situation import Accepted, InvalidCommandError
from ledger.values.ids import carnet_stream, programme_stream
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import assign, issue, transfer
from tests.builders.facts import (
    assigned,
    carnets_issued,
    carnets_ordered,
    digests_of,
    end_of,
    issued,
    ledger_started,
    programme_closed,
    rules_published,
    transferred,
)
from tests.builders.history import CIRCULATING, STARTED, STOCKED, facts_of, given, log_of
from tests.builders.world import MILLESIME, PROGRAMME, TOWN_HALL
from tests.ledger.decisions.scenarios import CARNET, THIRD

ORDERED = (*STARTED, carnets_ordered())
LAST_DAY_ENDS = datetime(2022, 12, 31, 23, tzinfo=UTC)


def test_a_chunk_of_an_order_is_issued_with_the_digests_of_its_codes() -> None:
    outcome = issue(1, carnets=2).decide(given(*ORDERED))

    assert isinstance(outcome, Accepted)
    assert outcome.facts == (
        (carnet_stream("BFC22-0000001"), issued(1)),
        (carnet_stream("BFC22-0000002"), issued(2)),
        (programme_stream(PROGRAMME), carnets_issued()),
    )


def test_carnets_are_issued_only_with_a_pepper_that_the_ledger_began_with() -> None:
    """Nothing holds a service to another one: lost or made anew, it would open no ticket."""
    known = {"p1": "0" * 32, "p2": "1" * 32}
    ready = given(ledger_started(peppers=known), *ORDERED[1:])

    for name in known:
        assert isinstance(issue(pepper_id=name).decide(ready), Accepted)
    for unknown in ("p3", "2022", ""):
        with pytest.raises(InvalidCommandError, match=f"pepper_id: {unknown} is none of the"):
            issue(pepper_id=unknown).decide(ready)


def test_carnets_are_not_issued_before_the_ledgers_first_fact() -> None:
    with pytest.raises(InvalidCommandError, match="pepper_id"):
        issue().decide(given(*ORDERED[1:]))


def test_an_order_is_issued_chunk_by_chunk_to_its_last_carnet() -> None:
    log = log_of(*ORDERED)

    assert isinstance(log.submit(issue(1, carnets=3)), Accepted)
    assert isinstance(log.submit(issue(4, carnets=1)), Accepted)
    assert log.submit(issue(5, carnets=1)) == Refusal(
        Reason.ORDER_EXCEEDED, detail={"next_number": 5}
    )


def test_no_code_is_kept_in_clear() -> None:
    digests = digests_of(1, 5)

    assert len(set(digests)) == 5
    assert all(len(digest) == 32 for digest in digests)


def test_a_parcel_moves_as_a_whole_and_may_move_on() -> None:
    log = log_of(*STOCKED)

    assert facts_of(log.submit(transfer(1, 2))) == (transferred(1), transferred(2))
    assert isinstance(log.submit(transfer(1)), Refusal)
    back = transfer(1, sender=TOWN_HALL, receiver=transferred().sender)
    assert isinstance(log.submit(back), Accepted)


@pytest.mark.parametrize("refused", [3, 1], ids=["the last", "the first"])
def test_one_carnet_too_many_keeps_the_whole_parcel(refused: int) -> None:
    log = log_of(*STOCKED, issued(3), transferred(refused))

    assert isinstance(log.submit(transfer(1, 2, 3)), Refusal)
    assert log.streams[carnet_stream("BFC22-0000002")].holder != TOWN_HALL


def test_an_unknown_carnet_is_reported_before_one_that_another_holds() -> None:
    outcome = transfer(3, 1, sender=TOWN_HALL, receiver=transferred().sender).decide(
        given(*STOCKED)
    )

    assert outcome == Refusal(Reason.CARNET_UNKNOWN, detail=THIRD)


def test_a_closed_programme_issues_no_more_of_an_order() -> None:
    log = log_of(*STOCKED, programme_closed())

    assert log.submit(issue(3)) == Refusal(Reason.PROGRAMME_CLOSED)
    assert log.submit(issue(1)) == Refusal(Reason.CARNET_EXISTS, detail={"next_number": 3})


def test_a_carnet_is_handed_out_under_the_rules_in_force() -> None:
    """E25: the version on the fact is theirs for good."""
    history = (*CIRCULATING, rules_published(2))

    assert facts_of(assign().decide(given(*history))) == (assigned(rule_version=2),)


def test_a_carnet_may_be_split_between_beneficiaries() -> None:
    """A prescriber may hand over one or several tickets of a booklet."""
    log = log_of(*CIRCULATING)

    assert facts_of(log.submit(assign(tickets=(1, 2)))) == (assigned(tickets=(1, 2)),)
    assert facts_of(log.submit(assign(tickets=(3, 5)))) == (assigned(tickets=(3, 5)),)
    assert log.submit(assign(tickets=(4, 5))) == Refusal(Reason.TICKET_ALREADY_ASSIGNED, 1, CARNET)
    assert facts_of(log.submit(assign(tickets=(4,)))) == (assigned(tickets=(4,)),)
    assert log.submit(assign()) == Refusal(Reason.TICKET_ALREADY_ASSIGNED, 1, CARNET)


def test_the_receiver_hands_out_what_was_sent() -> None:
    history = (*CIRCULATING, transferred())

    assert isinstance(assign(holder=TOWN_HALL).decide(given(*history)), Accepted)
    assert assign().decide(given(*history)) == Refusal(
        Reason.HOLDER_DIFFERS, 1, {**CARNET, "holder": TOWN_HALL}
    )


@pytest.mark.parametrize(
    ("at", "ended"), [(LAST_DAY_ENDS - timedelta(seconds=1), False), (LAST_DAY_ENDS, True)]
)
def test_distribution_ends_before_use(at: datetime, *, ended: bool) -> None:
    """R33: nothing is handed out after December, in Paris, but tickets serve until January."""
    history = (*CIRCULATING, rules_published(2, distribution_last_day="12-31"))
    outcome = assign().decide(given(*history, at=at))

    assert (outcome == Refusal(Reason.DISTRIBUTION_ENDED, 2, CARNET)) is ended


def test_without_an_end_of_distribution_tickets_are_handed_out_to_the_last_second() -> None:
    last = end_of(MILLESIME) - timedelta(seconds=1)

    assert isinstance(assign().decide(given(*CIRCULATING, at=last)), Accepted)
