"""A retry is known by its id and its content: the same content, the first answer (E28)."""

import pytest

from ledger.decisions.situation import Command
from ledger.facts import Event
from ledger.facts.codec import decode, encode
from ledger.values.ids import OrderId
from ledger.values.money import Cents
from tests.builders.commands import (
    activate,
    approve_run,
    enrol_terminal,
    invite_terminal,
    issue,
    open_programme,
    order_carnets,
    pay_part,
    publish_rules,
    record_funding,
    redeem,
    register_venue,
    submit_run,
    transfer,
    void,
    wrong_code,
)
from tests.builders.facts import carnets_ordered, funding_received
from tests.builders.history import (
    APPROVED,
    DRAFTED,
    READY,
    STARTED,
    STOCKED,
    SUBMITTED,
    History,
    Log,
    log_of,
)
from tests.builders.world import INVITED_UNTIL, KEY, OTHER_TERMINAL, with_changes


def done_by(log: Log, command: Command) -> Event:
    """The event that the writer finds under the command's id: the last one in its first stream."""
    log.submit(command)
    return [
        event
        for event in log.events
        if event.stream == command.stream and event.command_id == command.command_id
    ][-1]


@pytest.mark.parametrize(
    ("log", "command", "others"),
    [
        (READY, redeem(1, 2), [redeem(1), redeem(1, 3), redeem(1, 2, actor="terminal:t-0")]),
        (
            STARTED,
            order_carnets(),
            [order_carnets(carnets=5), order_carnets(order=OrderId("another"))],
        ),
        (STOCKED, transfer(1, 2), [transfer(2, 1), transfer(2)]),
        (STARTED[:1], open_programme(), [open_programme(shares={"region": 1})]),
        (STARTED, publish_rules(2), [publish_rules(2, sizes=(5,))]),
        (STARTED, record_funding(), [record_funding(cents={"region": Cents(1)})]),
    ],
    ids=["redeem", "order", "transfer", "open", "publish", "fund"],
)
def test_only_the_same_content_is_a_retry(
    log: History, command: Command, others: list[Command]
) -> None:
    event = done_by(log_of(*log), command)

    assert command.repeats(event)
    assert not any(other.repeats(event) for other in others)


@pytest.mark.parametrize(
    "changes",
    [
        {"service_code": "training"},
        {"service_code": None},
        {"workshop_id": "tuesday"},
        {"workshop_id": None},
        {"service_code": "monday", "workshop_id": "first-steps"},
    ],
)
def test_a_claim_for_another_service_or_workshop_is_no_retry(changes: dict[str, object]) -> None:
    claim = redeem(service_code="first-steps", workshop_id="monday")
    event = done_by(log_of(*READY), claim)

    assert claim.repeats(event)
    assert not with_changes(claim, changes).repeats(event)


def test_a_claim_is_compared_by_nothing_else() -> None:
    """Not by the device's count and clock, nor by secrets: the first try showed the right ones."""
    event = done_by(log_of(*READY), redeem())

    assert redeem(sequence=2, signed_at=0).repeats(event)
    assert redeem(codes=[wrong_code()]).repeats(event)


@pytest.mark.parametrize(
    ("log", "command"),
    [
        (STARTED, order_carnets()),
        ((*STARTED, carnets_ordered()), issue()),
        ((*STOCKED, funding_received()), activate()),
        (STARTED, record_funding()),
        (APPROVED, pay_part()),
    ],
    ids=["order", "issue", "activate", "fund", "pay"],
)
def test_a_colleague_goes_on_with_interrupted_work(log: History, command: Command) -> None:
    """Its ids follow from the work, not from the person."""
    event = done_by(log_of(*log), command)

    assert with_changes(command, {"actor": "operator:colleague"}).repeats(event)


@pytest.mark.parametrize(
    ("log", "command"),
    [(DRAFTED, submit_run()), (SUBMITTED, approve_run())],
    ids=["submit", "approve"],
)
def test_who_submits_or_approves_is_what_is_said(log: History, command: Command) -> None:
    event = done_by(log_of(*log), command)

    assert command.repeats(event)
    assert not with_changes(command, {"actor": "approver:colleague"}).repeats(event)


def test_rules_from_before_a_key_was_there_are_still_the_same_rules() -> None:
    """What a preset published is not another programme's because `Rules` has learnt a word."""
    now = encode(done_by(log_of(*STARTED), publish_rules(2)))
    key = b',"suspended_venues":"unpaid"'
    assert now.count(key) == 1

    event = decode(now.replace(key, b""))

    assert publish_rules(2).repeats(event)
    assert not publish_rules(2, suspended_venues="refused").repeats(event)


def test_a_void_is_repeated_by_its_claim() -> None:
    log = log_of(*READY)
    claim = done_by(log, redeem())
    event = done_by(log, void())

    assert void().repeats(event)
    assert void(signed_at=void().signed_at + 60).repeats(event)
    assert not void(claim_id=event.command_id).repeats(event)
    assert not void().repeats(claim)
    assert not redeem().repeats(event)


def test_a_void_is_repeated_by_its_terminal_alone() -> None:
    log = log_of(*READY)
    log.submit(redeem())
    event = done_by(log, void())

    assert not void(actor=f"terminal:{OTHER_TERMINAL}").repeats(event)


def test_an_enrolment_is_repeated_later_with_the_same_key() -> None:
    log = log_of(*STARTED)
    log.submit(register_venue())
    log.submit(invite_terminal())
    event = done_by(log, enrol_terminal())

    assert enrol_terminal(asked_at=INVITED_UNTIL).repeats(event)
    assert not enrol_terminal(public_key=KEY[::-1]).repeats(event)
    assert not enrol_terminal(algorithm="ecdsa-p256-sha256").repeats(event)


@pytest.mark.parametrize(
    ("history", "command"),
    [
        (READY, redeem()),
        (STOCKED, transfer(1, 2)),
        (APPROVED, pay_part()),
        (STARTED, order_carnets()),
    ],
    ids=["redeem", "transfer", "pay", "order"],
)
def test_the_last_fact_stands_in_the_stream_that_remembers_the_command(
    history: History, command: Command
) -> None:
    """Who has seen its position has seen all of the command."""
    log = log_of(*history)
    before = len(log.events)
    log.submit(command)

    assert log.events[-1].stream == command.stream
    assert len(log.events) - before <= command.weight
    assert {event.stream for event in log.events[before:]} <= set(command.streams)
