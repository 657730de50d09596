"""What a redemption takes, and when; and what a check says of one."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ledger.decisions.redemption import SeveralCarnetsError
from ledger.decisions.situation import Accepted, Decision, Finding
from ledger.facts import AcceptanceArea, AnyFact, Event, TicketsRedeemed
from ledger.values.ids import ProgrammeId, carnet_stream
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import (
    check,
    code,
    redeem,
    resume_venue,
    suspend_venue,
    void,
    wrong_code,
)
from tests.builders.facts import (
    activated,
    assigned,
    end_of,
    issued,
    key_rolled,
    programme_opened,
    qualification_withdrawn,
    redeemed,
    rules,
    rules_published,
    start_of,
    venue_qualified,
    venue_suspended,
)
from tests.builders.history import (
    ELSEWHERE,
    READY,
    History,
    facts_of,
    given,
    log_of,
    reason_of,
    under,
)
from tests.builders.world import MILLESIME, NEW_FINGERPRINT, NOW, OTHER_TERMINAL, VENUE

SECOND = timedelta(seconds=1)
CARNET: dict[str, str | int] = {"carnet": "BFC22-0000001"}


def taken(decision: Decision) -> TicketsRedeemed:
    (fact,) = facts_of(decision)
    assert isinstance(fact, TicketsRedeemed)
    return fact


def split(*history: AnyFact | Event) -> History:
    """Carnet 1 handed out in parts: ticket 2 under rules 1, tickets 1 and 3 under rules 2."""
    return (
        *history,
        assigned(tickets=(2,), rule_version=1),
        assigned(tickets=(1, 3), rule_version=2),
    )


def test_one_ticket_is_taken_and_the_venue_is_owed_its_face_value() -> None:
    """R01, R41: ten euros, nothing deducted."""
    outcome = redeem().decide(given(*READY))

    assert outcome == Accepted(((carnet_stream("BFC22-0000001"), redeemed().fact),))
    assert taken(outcome).amount_cents == 1000


def test_a_workshop_may_take_several_tickets_of_a_carnet() -> None:
    """R05: ten tickets are five to ten workshops."""
    fact = taken(redeem(3, 1).decide(given(*READY)))

    assert (fact.tickets, fact.amount_cents) == ((1, 3), 2000)


@pytest.mark.parametrize(("most", "tickets"), [(1, 1), (2, 2), (5, 5)])
def test_a_claim_takes_as_many_tickets_as_the_rules_allow(most: int, tickets: int) -> None:
    history = under(READY, max_tickets_per_claim=most)

    assert isinstance(redeem(*range(1, tickets + 1)).decide(given(*history)), Accepted)
    if tickets < 5:
        more = redeem(*range(1, tickets + 2)).decide(given(*history))
        assert reason_of(more) is Reason.TOO_MANY_TICKETS


def test_all_the_tickets_of_a_claim_are_taken_or_none() -> None:
    log = log_of(*READY, redeemed(2))

    assert reason_of(log.submit(redeem(1, 2, command_id="both"))) is Reason.TICKET_ALREADY_REDEEMED
    assert isinstance(log.submit(redeem(1, command_id="one")), Accepted)


def test_the_catalogue_entry_and_the_workshop_stand_on_the_fact() -> None:
    fact = taken(redeem(service_code="cv", workshop_id="w-7", sequence=9).decide(given(*READY)))

    assert (fact.service_code, fact.workshop_id, fact.sequence) == ("cv", "w-7", 9)


@pytest.mark.parametrize(
    ("services", "named", "offered"),
    [
        (("cv", "impots"), "cv", True),
        (("cv", "impots"), "CV", False),
        (("cv", "impots"), "yoga", False),
        (("cv", "impots"), None, False),
        ((), "yoga", True),
        ((), None, True),
    ],
)
def test_a_claim_names_a_service_of_the_catalogue_where_there_is_one(
    services: tuple[str, ...], named: str | None, *, offered: bool
) -> None:
    outcome = redeem(service_code=named).decide(given(*under(READY, services=services)))

    assert (reason_of(outcome) is Reason.SERVICE_NOT_OFFERED) is not offered
    assert isinstance(outcome, Accepted) is offered


@pytest.mark.parametrize(
    ("service", "tickets", "refused_by"),
    [
        ("cv", (2,), None),
        ("cv", (1, 3), 2),
        ("cv", (1, 2), 2),
        ("impots", (2,), 1),
        ("impots", (1, 3), None),
        ("impots", (1, 2), 1),
        ("both", (1, 2), None),
    ],
)
def test_the_catalogue_is_that_of_the_rules_under_which_tickets_were_handed_out(
    service: str, tickets: tuple[int, ...], refused_by: int | None
) -> None:
    """E25: a workshop that takes tickets of two versions is in the catalogues of both."""
    history = split(
        *under(READY[:-1], services=("cv", "both")), rules_published(2, services=("impots", "both"))
    )

    outcome = redeem(*tickets, service_code=service).decide(given(*history))

    assert isinstance(outcome, Accepted) is (refused_by is None)
    if refused_by is not None:
        assert outcome == Refusal(Reason.SERVICE_NOT_OFFERED, refused_by, CARNET)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (datetime(2023, 1, 31, 22, 59, 59, tzinfo=UTC), None),
        (datetime(2023, 1, 31, 23, tzinfo=UTC), Reason.CARNET_EXPIRED),
    ],
)
def test_a_carnet_expires_when_its_last_day_is_over_in_paris(
    at: datetime, reason: Reason | None
) -> None:
    """E01: by then it is eleven in the evening, UTC."""
    assert reason_of(redeem().decide(given(*READY, at=at))) is reason


def test_the_first_day_begins_at_midnight_in_paris() -> None:
    begins = start_of(MILLESIME)

    assert reason_of(redeem().decide(given(*READY, at=begins - SECOND))) is (
        Reason.CARNET_NOT_YET_VALID
    )
    assert taken(redeem().decide(given(*READY, at=begins))).served_on == date(2022, 1, 1)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Indian/Reunion", date(2022, 6, 2)), ("America/Martinique", date(2022, 6, 1))],
)
def test_the_day_of_service_is_the_programmes_own(zone: str, day: date) -> None:
    """E01: at half past nine in the evening UTC it is the next day in Réunion."""
    history = (programme_opened(zone=zone), *READY[2:])
    evening = datetime(2022, 6, 1, 21, 30, tzinfo=UTC)

    assert taken(redeem().decide(given(*history, at=evening))).served_on == day


def test_two_millesimes_are_valid_in_january() -> None:
    """R32, E04: a ticket has its own; there is no current one."""
    log = log_of(*READY, issued(2, millesime=2023), activated(2, millesime=2023), assigned(2))
    january = datetime(2023, 1, 15, 12, tzinfo=UTC)

    assert taken(log.submit(redeem(number=1), january)).millesime == 2022
    assert taken(log.submit(redeem(number=2, command_id="b"), january)).millesime == 2023
    february = end_of(2022)
    assert reason_of(log.submit(redeem(2, number=1, command_id="c"), february)) is (
        Reason.CARNET_EXPIRED
    )
    assert isinstance(log.submit(redeem(2, number=2, command_id="d"), february), Accepted)


def test_tickets_keep_the_rules_under_which_they_were_handed_out() -> None:
    """E25: the rules change while older carnets live."""
    stricter = rules_published(
        2, max_tickets_per_claim=1, acceptance=AcceptanceArea("venues"), void_minutes=0
    )
    log = log_of(*READY, stricter, issued(2), activated(2), assigned(2, rule_version=2))

    assert isinstance(log.submit(redeem(1, 2, number=1)), Accepted)
    refused = log.submit(redeem(1, 2, number=2, command_id="newer"))
    assert refused == Refusal(Reason.TOO_MANY_TICKETS, 2, {"carnet": "BFC22-0000002"})
    assert isinstance(log.submit(void(1, 2), NOW + timedelta(minutes=30)), Accepted)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_tickets_per_claim": 1}, Reason.TOO_MANY_TICKETS),
        ({"acceptance": AcceptanceArea("regions", ("32",))}, Reason.VENUE_OUT_OF_AREA),
    ],
    ids=["too many tickets", "out of area"],
)
@pytest.mark.parametrize("stricter", [1, 2])
def test_a_claim_keeps_the_rules_of_each_of_its_tickets(
    changes: dict[str, object], reason: Reason, stricter: int
) -> None:
    """E25: beside a ticket with other rules none gets round its own, older or newer."""
    first, second = [changes if version == stricter else {} for version in (1, 2)]
    history = split(*under(READY[:-1], **first), rules_published(2, **second))
    free = 1 if stricter == 1 else 2  # the ticket under the other version

    assert isinstance(redeem(free).decide(given(*history)), Accepted)
    assert redeem(1, 2).decide(given(*history)) == Refusal(reason, stricter, CARNET)


def test_a_claim_of_tickets_under_two_versions_is_taken_if_both_allow_it() -> None:
    history = split(*READY[:-1], rules_published(2, max_tickets_per_claim=3))

    assert taken(redeem(1, 2).decide(given(*history))).tickets == (1, 2)
    assert redeem(1, 2, 3).decide(given(*history)) == Refusal(Reason.TOO_MANY_TICKETS, 1, CARNET)


def test_a_ticket_that_was_not_handed_out_is_not_taken_beside_one_that_was() -> None:
    history = split(*READY[:-1], rules_published(2))

    for tickets in ((1, 4), (2, 4), (4,)):
        refused = redeem(*tickets).decide(given(*history))
        assert refused == Refusal(Reason.TICKET_NOT_ASSIGNED, None, CARNET)


@pytest.mark.parametrize(
    "area",
    [
        AcceptanceArea("national"),
        AcceptanceArea("regions", ("27", "32")),
        AcceptanceArea("departments", ("25",)),
        AcceptanceArea("venues", (VENUE,)),
    ],
    ids=lambda area: area.kind,
)
def test_tickets_are_taken_inside_the_acceptance_area(area: AcceptanceArea) -> None:
    """R42, E40: the whole country, a region, a department, or venues by name."""
    assert isinstance(redeem().decide(given(*under(READY, acceptance=area))), Accepted)


@pytest.mark.parametrize("kind", ["regions", "departments", "venues"])
def test_an_empty_area_takes_nothing(kind: str) -> None:
    area = rules(acceptance=AcceptanceArea(kind)).acceptance  # type: ignore[arg-type]

    assert reason_of(redeem().decide(given(*under(READY, acceptance=area)))) is (
        Reason.VENUE_OUT_OF_AREA
    )


@pytest.mark.parametrize(
    ("first", "last", "qualified"),
    [
        (date(2022, 6, 1), None, True),
        (date(2022, 6, 1), date(2022, 6, 1), True),
        (date(2022, 6, 2), None, False),
        (date(2022, 1, 1), date(2022, 5, 31), False),
    ],
)
def test_a_venue_takes_tickets_on_the_days_it_is_qualified_for(
    first: date, last: date | None, *, qualified: bool
) -> None:
    """R40: both days included."""
    history = [
        venue_qualified(first_day=first, last_day=last) if item == venue_qualified() else item
        for item in READY
    ]

    assert (reason_of(redeem().decide(given(*history))) is None) is qualified


@pytest.mark.parametrize(
    ("effective_on", "qualified"), [(date(2022, 6, 2), True), (date(2022, 6, 1), False)]
)
def test_a_withdrawn_qualification_ends_on_its_day(effective_on: date, *, qualified: bool) -> None:
    history = (*READY, qualification_withdrawn(effective_on=effective_on))

    assert (reason_of(redeem().decide(given(*history))) is None) is qualified


def test_a_venue_may_be_qualified_again() -> None:
    history = (
        *READY,
        qualification_withdrawn(),
        venue_qualified(first_day=date(2022, 6, 1), last_day=None),
    )

    assert isinstance(redeem().decide(given(*history)), Accepted)


def test_a_suspended_venue_still_takes_tickets() -> None:
    """E06: its payments are frozen, not its rights."""
    assert isinstance(redeem().decide(given(*READY, venue_suspended())), Accepted)


def test_a_programme_may_refuse_the_claims_of_suspended_venues() -> None:
    """E06: while it is suspended, and there; what it took before it may still give back."""
    log = log_of(*under(READY, suspended_venues="refused"), *ELSEWHERE)
    assert isinstance(log.submit(redeem(1)), Accepted)

    log.submit(suspend_venue())
    later = redeem(2, command_id="later")
    assert log.submit(later) == Refusal(Reason.VENUE_SUSPENDED, 1, CARNET)
    assert check(2).decide(log.situation()) == Finding(
        {"redeemable": False, "reason": "venue-suspended"}
    )
    elsewhere = redeem(3, terminal=OTHER_TERMINAL, fingerprint=NEW_FINGERPRINT, command_id="other")
    assert isinstance(log.submit(elsewhere), Accepted)
    assert isinstance(log.submit(void(1)), Accepted)

    log.submit(resume_venue())
    assert isinstance(log.submit(later), Accepted)


@pytest.mark.parametrize("refusing", [1, 2])
def test_a_suspended_venue_meets_the_rules_of_each_ticket(refusing: int) -> None:
    """E06, E25: those under which it was handed out, not the latest."""
    ways = ("refused", "unpaid") if refusing == 1 else ("unpaid", "refused")
    history = (
        *split(
            *under(READY[:-1], suspended_venues=ways[0]),
            rules_published(2, suspended_venues=ways[1]),
        ),
        venue_suspended(),
    )
    refusal = Refusal(Reason.VENUE_SUSPENDED, refusing, CARNET)
    by_version = {1: redeem(2), 2: redeem(1)}

    assert isinstance(by_version[3 - refusing].decide(given(*history)), Accepted)
    assert by_version[refusing].decide(given(*history)) == refusal
    assert redeem(1, 2).decide(given(*history)) == refusal


def test_a_rolled_key_opens_new_sessions() -> None:
    history = (*READY, key_rolled())

    assert isinstance(redeem(fingerprint=NEW_FINGERPRINT).decide(given(*history)), Accepted)


def test_the_loser_learns_when_but_not_where() -> None:
    """E29."""
    log = log_of(*READY, *ELSEWHERE)
    log.submit(redeem(), NOW)
    loser = log.submit(
        redeem(
            command_id="loser",
            actor=f"terminal:{OTHER_TERMINAL}",
            terminal=OTHER_TERMINAL,
            fingerprint=NEW_FINGERPRINT,
        ),
        NOW + SECOND,
    )

    assert loser == Refusal(
        Reason.TICKET_ALREADY_REDEEMED,
        1,
        {"carnet": "BFC22-0000001", "redeemed_at": "2022-06-01T08:00:00Z"},
    )


def test_a_carnet_without_its_pepper_opens_for_nobody() -> None:
    history = [issued(pepper_id="lost") if item == issued(1) else item for item in READY]

    assert redeem().decide(given(*history)) == Refusal(Reason.CODE_UNKNOWN)


def test_a_code_that_is_wrong_and_one_that_does_not_exist_look_the_same() -> None:
    answers = [
        redeem(codes=codes).decide(given(*READY))
        for codes in ([wrong_code()], [code(number=9)], [code(ticket=6)])
    ]

    assert answers == [Refusal(Reason.CODE_UNKNOWN)] * 3


@pytest.mark.parametrize(
    "codes",
    [
        [code(1, number=1), code(1, number=2)],
        [code(1), code(1)],
        [code(1), code(1, programme=ProgrammeId("HDF22"))],
    ],
    ids=["two carnets", "twice the same", "two programmes"],
)
def test_a_claim_takes_tickets_of_one_carnet_each_once(codes: list[object]) -> None:
    with pytest.raises(SeveralCarnetsError):
        redeem(codes=codes)  # type: ignore[arg-type]


# Checks.


def test_a_check_says_what_a_redemption_would() -> None:
    assert check(1, 2).decide(given(*READY)) == Finding(
        {
            "redeemable": True,
            "carnet": "BFC22-0000001",
            "tickets": (1, 2),
            "amount_cents": 2000,
            "usable_until": "2023-01-31",
        }
    )


def test_a_check_is_of_the_tickets_and_asks_for_no_service() -> None:
    answer = check().decide(given(*under(READY, services=("cv",))))

    assert isinstance(answer, Finding)
    assert answer.answer["redeemable"] is True


def test_a_check_gives_the_reason_and_nothing_else() -> None:
    assert check().decide(given(*READY, redeemed())) == Finding(
        {"redeemable": False, "reason": "ticket-already-redeemed"}
    )
