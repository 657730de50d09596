"""Whatever is asked, in whatever order, these hold."""

from collections import Counter
from copy import deepcopy
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.decisions.redemption import TerminalCommand
from ledger.decisions.situation import Accepted, Command
from ledger.facts import (
    CarnetActivated,
    CarnetAssigned,
    CarnetIssued,
    CarnetsOrdered,
    EnvelopeDrawn,
    Event,
    FundingReceived,
    RedemptionVoided,
    TicketsActivated,
    TicketsRedeemed,
)
from ledger.facts.codec import decode, encode
from ledger.journal import entry_for
from ledger.values.ids import ClaimId, OrderId, RunId, TerminalId
from ledger.values.money import Cents
from tests.builders.commands import (
    activate,
    assign,
    close_programme,
    fix_cutoff,
    issue,
    order_carnets,
    publish_rules,
    record_funding,
    redeem,
    revoke_terminal,
    roll_key,
    suspend_venue,
    transfer,
    void,
    withdraw_qualification,
    withdraw_run,
)
from tests.builders.history import AT_THE_VENUE, ELSEWHERE, STARTED, Log, log_of
from tests.builders.world import (
    FINGERPRINT,
    NEW_FINGERPRINT,
    NOW,
    OTHER_TERMINAL,
    REGION,
    TERMINAL,
    TOWN_HALL,
    with_changes,
)

numbers = st.integers(1, 4)  # of carnets: few, so that commands meet
holders = st.sampled_from([REGION, TOWN_HALL])
tickets = st.sampled_from([(1,), (2,), (1, 2), (2, 3), (5, 6)])
# Claims that want the same tickets: each a carnet and its tickets.
CLAIMS = [
    (1, (1,)),
    (1, (1,)),
    (1, (1, 2)),
    (1, (2,)),
    (1, (2, 3)),
    (1, (5, 6)),
    (2, (1,)),
    (2, (1, 2)),
    (3, (1,)),
]
DEVICES = [
    (TERMINAL, FINGERPRINT),
    (TERMINAL, NEW_FINGERPRINT),
    (OTHER_TERMINAL, NEW_FINGERPRINT),
]


def at_the_counter(claim: int, device: tuple[TerminalId, str], *, undo: bool) -> Command:
    number, wanted = CLAIMS[claim]
    terminal, fingerprint = device
    claim_id = ClaimId(f"claim-{claim}")
    asked = (
        void(*wanted, number=number, command_id=f"void-{claim}", claim_id=claim_id)
        if undo
        else redeem(*wanted, number=number, command_id=claim_id)
    )
    return with_changes(asked, {"terminal": terminal, "fingerprint": fingerprint})


office: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        lambda order, carnets: order_carnets(order=OrderId(f"order-{order}"), carnets=carnets),
        st.integers(1, 3),
        st.sampled_from([1, 2, 4, 8_998]),
    ),
    st.builds(lambda first, carnets: issue(first, carnets=carnets), numbers, st.integers(1, 2)),
    st.builds(
        lambda cents: record_funding(
            reference=f"entry {cents}",
            cents={"region": Cents(cents), "state": Cents(cents // 2)},
        ),
        st.integers(2, 5_000),
    ),
    st.builds(activate, numbers),
    st.builds(
        lambda number, ways: transfer(number, sender=ways[0], receiver=ways[1]),
        numbers,
        st.permutations([REGION, TOWN_HALL]),
    ),
    st.builds(
        lambda number, chosen, holder: assign(number, tickets=chosen, holder=holder),
        numbers,
        tickets,
        holders,
    ),
    st.builds(
        lambda version, way: publish_rules(version, max_tickets_per_claim=3, suspended_venues=way),
        st.integers(2, 3),
        st.sampled_from(["unpaid", "refused"]),
    ),
)
counter: st.SearchStrategy[Command] = st.builds(
    at_the_counter,
    st.integers(0, len(CLAIMS) - 1),
    st.sampled_from([*DEVICES[:1] * 4, *DEVICES]),
    undo=st.booleans(),
)
rare: st.SearchStrategy[Command] = st.sampled_from(
    [
        *[fix_cutoff(), fix_cutoff(RunId("2022-07")), withdraw_run(), suspend_venue()] * 3,
        revoke_terminal(),
        roll_key(),
        withdraw_qualification(),
        close_programme(),
    ]
)
# One in seven is rare, and four are of the counter. (`one_of` would count each kind once.)
asked = st.sampled_from([office] * 2 + [counter] * 4 + [rare]).flatmap(lambda kind: kind)
# What usually comes first, so that most histories get as far as the counter.
OPENING: list[Command] = [
    order_carnets(carnets=3),
    issue(1, carnets=3),
    record_funding(cents={"region": Cents(12_000)}),
    activate(1),
    activate(2),
    assign(1),
    assign(2, tickets=(1,)),
]
commands = st.builds(
    lambda opening, some: opening + some,
    st.sampled_from([OPENING, OPENING, OPENING, OPENING[:4]]),
    st.lists(asked, min_size=8, max_size=30),
)


def played(some: list[Command]) -> tuple[Log, list[Event]]:
    """The log after these commands, a minute apart, and the events that they led to."""
    log = log_of(*STARTED, *AT_THE_VENUE, *ELSEWHERE)
    before = len(log.events)
    for minute, command in enumerate(some):
        asked = command if isinstance(command, TerminalCommand) else renamed(command, minute)
        if not known(log, asked):
            log.submit(asked, NOW + timedelta(minutes=minute))
    return log, log.events[before:]


def renamed(command: Command, minute: int) -> Command:
    """Only terminals repeat themselves; the others ask something new each time."""
    return with_changes(command, {"command_id": f"at minute {minute}"})


def known(log: Log, command: Command) -> bool:
    """The writer answers a command that it has seen; it is not decided again."""
    return any(
        event.command_id == command.command_id and event.stream == command.stream
        for event in log.events
    )


@settings(max_examples=80)
@given(commands)
def test_a_ticket_is_redeemed_once_net_of_voids(some: list[Command]) -> None:
    _, events = played(some)
    taken_now: Counter[tuple[str, int]] = Counter()
    for event in events:
        match event.fact:
            case TicketsRedeemed(tickets=numbers):
                taken_now.update((event.stream, number) for number in numbers)
            case RedemptionVoided(tickets=numbers):
                taken_now.subtract((event.stream, number) for number in numbers)
            case _:
                pass
        assert set(taken_now.values()) <= {0, 1}


@settings(max_examples=50)
@given(commands)
def test_stored_bytes_fold_into_the_same_state_every_time(some: list[Command]) -> None:
    """What the writer has in memory is what a restart would read."""
    log, _ = played(some)
    stored = [encode(event) for event in log.events]
    once, twice = (log_of(*map(decode, stored)) for _ in range(2))

    assert once.streams == twice.streams == log.streams
    assert once.reference == twice.reference == log.reference
    assert [encode(event) for event in once.events] == stored


@settings(max_examples=80)
@given(commands)
def test_the_books_sum_to_zero_and_no_ticket_circulates_unfunded(some: list[Command]) -> None:
    _, events = played(some)
    net: Counter[str] = Counter()
    funded = 0
    for event in events:
        if isinstance(event.fact, FundingReceived):
            funded += sum(event.fact.cents.values())
        if (entry := entry_for(event.fact)) is not None:
            for posting in entry.postings:
                net[posting.account] += posting.amount_cents
        owed = sum(cents for account, cents in net.items() if account.startswith(("467", "401")))
        assert sum(net.values()) == 0
        assert 0 <= -owed <= funded, "what circulates and what venues are owed is in the bank"
        assert all(cents <= 0 for account, cents in net.items() if account.startswith("467"))


@settings(max_examples=80)
@given(commands)
def test_a_ticket_passes_each_stage_before_the_next(some: list[Command]) -> None:
    """Ordered ≥ issued ≥ activated ≥ assigned ≥ redeemed, within the cap."""
    _, events = played(some)
    units: Counter[str] = Counter()
    for event in events:
        match event.fact:
            case CarnetsOrdered(carnets=carnets, size=size):
                units["ordered"] += carnets * size
            case EnvelopeDrawn(tickets=drawn):
                units["drawn"] += drawn
            case CarnetIssued(digests=digests):
                units["issued"] += len(digests)
            case CarnetActivated(tickets=activated):
                units["activated"] += activated
            case CarnetAssigned(tickets=numbers):
                units["assigned"] += len(numbers)
            case TicketsRedeemed(tickets=numbers):
                units["redeemed"] += len(numbers)
            case RedemptionVoided(tickets=numbers):
                units["redeemed"] -= len(numbers)
            case TicketsActivated(tickets=activated):
                assert units["activated"] >= activated, "units move with their money"
            case _:
                pass
        stages = [45_000, *(units[s] for s in ("ordered", "issued", "activated", "assigned"))]
        assert stages == sorted(stages, reverse=True)
        assert 0 <= units["redeemed"] <= units["assigned"]


@settings(max_examples=50)
@given(commands, st.data())
def test_to_decide_changes_nothing_and_gives_the_same_answer(
    some: list[Command], data: st.DataObject
) -> None:
    log, _ = played(some)
    command = data.draw(asked)
    before = deepcopy((log.streams, log.reference))

    assert command.decide(log.situation()) == command.decide(log.situation())
    assert (log.streams, log.reference) == before


def test_the_histories_get_to_the_counter() -> None:
    """Else the properties above hold of nothing."""
    log, events = played([*OPENING, redeem(1, 2), void(1, 2), redeem(1, command_id="again")])

    assert [type(event.fact) for event in events[-3:]] == [
        TicketsRedeemed,
        RedemptionVoided,
        TicketsRedeemed,
    ]
    assert isinstance(redeem(3, command_id="more").decide(log.situation()), Accepted)
