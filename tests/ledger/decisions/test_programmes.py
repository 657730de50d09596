from datetime import UTC, datetime, timedelta

import pytest

from ledger.decisions.situation import Accepted
from ledger.facts import CarnetsOrdered, EnvelopeDrawn
from ledger.values.ids import OrderId, ProgrammeId, programme_stream
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import (
    close_programme,
    issue,
    open_programme,
    order_carnets,
    publish_rules,
    register_holder,
    start_ledger,
)
from tests.builders.facts import (
    carnets_ordered,
    envelope_drawn,
    holder_registered,
    ledger_started,
    programme_closed,
    programme_opened,
    rules_published,
)
from tests.builders.history import STARTED, facts_of, given, log_of, under
from tests.builders.world import PROGRAMME

SCHOOLS = ProgrammeId("LYC22")  # an experiment inside PROGRAMME (R20)
ENVELOPE = ProgrammeId("HDF22")  # one that PROGRAMME is inside of


def ordered(*facts: object) -> CarnetsOrdered:
    order = facts[-1]
    assert isinstance(order, CarnetsOrdered)
    return order


def test_a_ledger_starts_once_and_only_a_demo_moves_its_clock() -> None:
    real = start_ledger(clock_offset_seconds=3600).decide(given())
    demo = start_ledger(demo=True, clock_offset_seconds=3600).decide(given())

    assert facts_of(real) == (ledger_started(),)
    assert facts_of(demo) == (ledger_started(demo=True, clock_offset_seconds=3600),)
    assert given(*facts_of(demo)).reference.clock_offset == timedelta(hours=1)
    assert given().reference.clock_offset == timedelta(0)


def test_a_programme_is_opened_its_rules_published_and_it_is_closed() -> None:
    assert facts_of(open_programme().decide(given())) == (programme_opened(),)
    assert facts_of(publish_rules(1).decide(given(programme_opened()))) == (rules_published(),)
    assert facts_of(publish_rules(2).decide(given(*STARTED))) == (rules_published(2),)
    assert facts_of(close_programme().decide(given(*STARTED))) == (programme_closed(),)
    assert facts_of(register_holder().decide(given())) == (holder_registered(),)


def test_a_programme_may_be_opened_inside_another() -> None:
    inside = open_programme(programme=SCHOOLS, parent=PROGRAMME).decide(given(programme_opened()))

    assert facts_of(inside) == (programme_opened(programme=SCHOOLS, parent=PROGRAMME),)


def test_an_envelope_has_no_envelope_around_it() -> None:
    nested = (programme_opened(), programme_opened(programme=SCHOOLS, parent=PROGRAMME))
    inside = open_programme(programme=ProgrammeId("CLG22"), parent=SCHOOLS)

    assert inside.decide(given(*nested)) == Refusal(Reason.PARENT_UNKNOWN)


def test_an_order_fixes_numbers_validity_and_face_value() -> None:
    """R01, R31: until midnight in Paris after the 31st of January."""
    assert facts_of(order_carnets().decide(given(*STARTED))) == (
        carnets_ordered(
            valid_from=datetime(2021, 12, 31, 23, tzinfo=UTC),
            valid_until=datetime(2023, 1, 31, 23, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize(
    ("millesime", "days"), [(2022, 396), (2023, 396), (2024, 397), (2027, 396), (2028, 397)]
)
def test_a_millesime_is_valid_for_thirteen_months(millesime: int, days: int) -> None:
    """R30, R31."""
    history = under(STARTED, millesimes=(millesime,))
    order = ordered(*facts_of(order_carnets(millesime=millesime).decide(given(*history))))

    assert order.valid_until - order.valid_from == timedelta(days=days)


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Europe/Paris", datetime(2023, 1, 31, 23, tzinfo=UTC)),
        ("Indian/Reunion", datetime(2023, 1, 31, 20, tzinfo=UTC)),
        ("America/Martinique", datetime(2023, 2, 1, 4, tzinfo=UTC)),
    ],
)
def test_validity_ends_at_midnight_in_the_programmes_zone(zone: str, midnight: datetime) -> None:
    """E01, E39."""
    history = (programme_opened(zone=zone), *STARTED[2:])

    assert ordered(*facts_of(order_carnets().decide(given(*history)))).valid_until == midnight


@pytest.mark.parametrize("size", [5, 10])
def test_carnets_have_five_or_ten_tickets(size: int) -> None:
    """R02: whatever the rules in force offer."""
    order = ordered(*facts_of(order_carnets(size=size).decide(given(*STARTED))))

    assert order.size == size


def test_sizes_are_those_of_the_rules_in_force() -> None:
    """R02: five in 2022 against ten in 2021; the next version offers ten alone."""
    history = (*STARTED, rules_published(2, sizes=(10,)))

    assert order_carnets(size=5).decide(given(*history)) == Refusal(
        Reason.SIZE_NOT_OFFERED, 2, {"size": 5}
    )
    assert ordered(*facts_of(order_carnets(size=10).decide(given(*history)))).rule_version == 2


def test_numbers_go_on_where_the_last_order_ended() -> None:
    history = (*STARTED, carnets_ordered(carnets=7))
    order = order_carnets(order=OrderId("order-2")).decide(given(*history))

    assert ordered(*facts_of(order)).first_number == 8


def test_the_cap_counts_tickets_and_may_be_reached() -> None:
    """R03: 45 000 passes are 9 000 carnets of five, or 4 500 of ten."""
    fives = order_carnets(carnets=9_000, size=5).decide(given(*STARTED))
    tens = order_carnets(carnets=4_500, size=10).decide(given(*STARTED))

    assert isinstance(fives, Accepted)
    assert isinstance(tens, Accepted)


def test_what_others_drew_counts_against_the_cap() -> None:
    history = (*STARTED, envelope_drawn(tickets=44_981))

    assert isinstance(order_carnets(carnets=3).decide(given(*history)), Accepted)
    assert order_carnets(carnets=4).decide(given(*history)) == Refusal(
        Reason.CAP_EXCEEDED,
        1,
        {"tickets": 20, "programme": PROGRAMME, "cap_tickets": 45_000, "left_tickets": 19},
    )


def test_a_programme_without_a_cap_takes_any_order() -> None:
    history = (programme_opened(cap_tickets=None), *STARTED[2:])

    assert isinstance(order_carnets(carnets=9_999_999).decide(given(*history)), Accepted)


def test_an_order_draws_on_the_envelope_that_it_is_in() -> None:
    """Both streams move, so neither cap can be passed by two orders at once."""
    parent = programme_opened(programme=ENVELOPE, cap_tickets=40)
    log = log_of(parent, programme_opened(parent=ENVELOPE), *STARTED[2:])
    first = log.submit(order_carnets(parent=ENVELOPE))

    assert isinstance(first, Accepted)
    assert first.facts == (
        (
            programme_stream("HDF22"),
            EnvelopeDrawn(
                programme=ENVELOPE,
                drawn_by=PROGRAMME,
                order=OrderId("order-1"),
                tickets=20,
            ),
        ),
        (programme_stream(PROGRAMME), carnets_ordered()),
    )
    again = order_carnets(parent=ENVELOPE, order=OrderId("order-2"), carnets=5)
    assert log.submit(again) == Refusal(
        Reason.CAP_EXCEEDED,
        1,
        {"tickets": 25, "programme": ENVELOPE, "cap_tickets": 40, "left_tickets": 20},
    )
    last = order_carnets(parent=ENVELOPE, order=OrderId("order-2"), carnets=4)
    assert isinstance(log.submit(last), Accepted)


def test_a_closed_envelope_is_drawn_on_no_more() -> None:
    """What stands in the programmes inside it goes on."""
    inside = programme_opened(parent=ENVELOPE)
    log = log_of(STARTED[0], programme_opened(programme=ENVELOPE), inside, *STARTED[2:])
    assert isinstance(log.submit(order_carnets(parent=ENVELOPE)), Accepted)
    log.submit(close_programme(programme=ENVELOPE))

    again = order_carnets(parent=ENVELOPE, order=OrderId("order-2"))

    assert log.submit(again) == Refusal(Reason.PROGRAMME_CLOSED, 1)
    assert isinstance(log.submit(issue()), Accepted)


@pytest.mark.parametrize("named", [None, SCHOOLS])
def test_an_order_names_the_envelope_that_it_draws_on(named: ProgrammeId | None) -> None:
    """Else its cap would not be looked at."""
    envelopes = (programme_opened(programme=ENVELOPE), programme_opened(programme=SCHOOLS))
    history = (*envelopes, programme_opened(parent=ENVELOPE), *STARTED[2:])

    assert order_carnets(parent=named).decide(given(*history)) == Refusal(Reason.PARENT_UNKNOWN)
