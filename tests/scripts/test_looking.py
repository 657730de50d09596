"""What is answered when somebody asks about a ticket, a claim or a venue."""

import re
from collections import deque
from datetime import UTC, datetime

import pytest

from api.streams import fold
from ledger.decisions.carnets import Carnet
from ledger.decisions.reference import Reference
from ledger.facts import (
    CarnetFact,
    CarnetIssued,
    Event,
    RedemptionVoided,
    TicketsRedeemed,
    VenueRegistered,
)
from ledger.settings import Settings
from ledger.values.codes import parse_code, shown
from ledger.values.ids import (
    CarnetId,
    ClaimId,
    HolderId,
    OrderId,
    ProgrammeId,
    TerminalId,
    VenueId,
    carnet_stream,
)
from ledger.values.money import Cents
from scripts.demonstration.afternoon import redeem
from scripts.demonstration.till import Claim, Till
from scripts.service.serving import serving
from scripts.stock.history import Ticket, history_of, tickets_of
from tests.scripts.conftest import VENUE, free_port
from tests.scripts.running import Souche

Codes = dict[str, tuple[str, ...]]
CARNET = CarnetId("BFC22-0000001")
ELSEWHERE = "99900002900010"
NAME = "Médiathèque de Montsauvy"
NOON = datetime(2022, 3, 14, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def claims(ordered: Souche, handed_out: Codes, venue: str) -> list[Claim]:
    """A claim of a carnet's second ticket, and another one of the same, which was refused."""
    settings = Settings(data=ordered.data, port=free_port())
    with serving(settings, demo=True) as authority:
        till = Till(authority, ordered.look("terminal", "invite", venue)["invitation"])
        made = [till.claim([handed_out[CARNET][1]]) for _ in range(2)]
        for claim in made:
            redeem([(till, deque([claim]))], lambda _: None)
    return made


@pytest.fixture(scope="module")
def code(handed_out: Codes) -> str:
    """The code of the ticket that was redeemed, without separators."""
    return parse_code(handed_out[CARNET][1]).text


def test_a_ticket_tells_when_and_where_it_was_redeemed(
    ordered: Souche, claims: list[Claim], code: str
) -> None:
    told = ordered.look("carnet", code)
    first, second = told["tickets"][:2]

    assert (told["carnet"], told["ticket"]) == (CARNET, 2)
    assert first == {
        **dict.fromkeys(("redeemed_at", "venue", "venue_name", "claim")),
        "number": 1,
        "state": "handed out",
    }
    assert (second["venue"], second["venue_name"], second["claim"]) == (VENUE, NAME, claims[0].id)
    assert [each["type"] for each in told["history"]] == [
        "carnet.issued.v1",
        "carnet.activated.v1",
        "carnet.transferred.v1",
        "carnet.assigned.v1",
        "tickets.redeemed.v1",
    ]


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["words", "json"])
def test_a_codes_secret_is_not_printed(
    ordered: Souche, claims: list[Claim], code: str, json: tuple[str, ...]
) -> None:
    told = ordered.do("carnet", shown(code).lower(), *json)

    assert code[-8:-1] not in told.upper()
    assert claims[0].id in told
    assert NAME in told


@pytest.mark.parametrize("typed", ["BFC22-0000001", "bfc220000001", "BFC22 OOO OOO1"])
def test_a_serial_is_typed_as_it_comes(ordered: Souche, claims: list[Claim], typed: str) -> None:
    told = ordered.look("carnet", typed)

    assert (told["carnet"], told["ticket"]) == (CARNET, None)


def test_people_read_the_answer_first(ordered: Souche, claims: list[Claim], code: str) -> None:
    first = ordered.do("carnet", code).splitlines()[0]

    assert first.startswith("Ticket 2 of BFC22-0000001: redeemed on ")
    assert first.endswith(f" UTC at {NAME} ({VENUE}), claim {claims[0].id}.")


def test_what_is_no_code_is_not_repeated(ordered: Souche, code: str) -> None:
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")

    said = ordered.run("carnet", wrong)

    assert said.code == 2
    assert wrong not in said.err
    assert "There is no carnet BFC22-9999999" in ordered.refuse("carnet", "BFC22-9999999")


def test_a_voided_redemption_stays_in_the_history() -> None:
    reference = Reference()
    reference.fold(
        VenueRegistered(venue=VenueId(VENUE), name=NAME, region="27", department="21"), 1
    )
    events = [(n, _event(n, fact)) for n, fact in enumerate(_voided(), start=1)]
    found = fold(events, Carnet)
    assert found is not None

    assert [each.told for each in history_of(events, reference)] == [
        "issued in order first: 2 tickets of 10.00 €, for mairie",
        f"tickets 1, 2 redeemed at {NAME} ({VENUE}), claim c2",
        f"tickets 1, 2 given back by {NAME}: claim c2 voided",
    ]
    assert tickets_of(found, reference) == [Ticket(1, "not activated"), Ticket(2, "not activated")]


def test_a_refusal_tells_who_what_and_why(ordered: Souche, claims: list[Claim]) -> None:
    (refused,) = ordered.look("refusals", "--claim", claims[1].id)

    assert refused["reason"] == "ticket-already-redeemed"
    assert refused["title_fr"] == "Le ticket a déjà été encaissé"
    assert refused["actor"].startswith("terminal:t-")
    assert refused["rule_version"] == 1
    assert refused["detail"].keys() == {
        "carnet",
        "tickets",
        "sequence",
        "signed_at",
        "redeemed_at",
    }
    assert (refused["detail"]["tickets"], refused["detail"]["sequence"]) == ([2], 2)
    words = " ".join(ordered.do("refusals").split())
    assert "The ticket was redeemed already" in words
    assert "redeem tickets" in words


def test_people_are_told_which_device_carnet_and_claim(
    ordered: Souche, claims: list[Claim]
) -> None:
    (terminal,) = ordered.look("terminal", "list")

    told = " ".join(ordered.do("refusals", "--claim", claims[1].id).split())

    assert f"{terminal['terminal']} (Terminal) at {NAME} ({VENUE}): redeem tickets" in told
    day = r"20\d\d-\d\d-\d\d \d\d:\d\d UTC"
    held = rf"carnet {CARNET}, tickets 2, sequence 2, signed at {day}, redeemed at {day}"
    assert re.search(held, told)
    assert told.endswith(f", claim {claims[1].id}")


@pytest.mark.parametrize("other", ["t-0123456789ab", None])
def test_refusals_of_a_device(ordered: Souche, claims: list[Claim], other: str | None) -> None:
    (terminal,) = ordered.look("terminal", "list")
    ordered.refuse("holder", "register", "region-bfc", "Again")

    found = ordered.look("refusals", "--terminal", other or terminal["terminal"])

    assert [each["command_id"] for each in found] == ([] if other else [claims[1].id])
    assert {each["terminal"] for each in found} == (set() if other else {terminal["terminal"]})


def test_refusals_of_a_venue(ordered: Souche, claims: list[Claim]) -> None:
    ordered.refuse("holder", "register", "region-bfc", "Again")
    ordered.do("venue", "register", ELSEWHERE, "Mairie", "--region", "27", "--department", "21")
    (terminal,) = ordered.look("terminal", "list")
    here = ("--venue", VENUE, "--terminal", terminal["terminal"])

    (refused,) = ordered.look("refusals", "--venue", "999 000 011 00018")

    assert refused["command_id"] == claims[1].id
    assert (refused["venue"], refused["venue_name"], refused["label"]) == (VENUE, NAME, "Terminal")
    assert ordered.look("refusals", *here) == [refused]
    assert ordered.look("refusals", "--venue", ELSEWHERE, *here[2:]) == []
    assert ordered.look("refusals", "--venue", ELSEWHERE) == []
    assert "There is no venue" in ordered.refuse("refusals", "--venue", "99900002900077")


def test_refusals_for_a_reason(ordered: Souche, claims: list[Claim]) -> None:
    ordered.refuse("holder", "register", "region-bfc", "Again")

    found = ordered.look("refusals", "--reason", "holder-exists")
    said = ordered.run("refusals", "--reason", "ticket-already-taken", COLUMNS="200")

    assert {each["reason"] for each in found} == {"holder-exists"}
    assert {each["terminal"] for each in found} == {None}
    assert said.code == 2
    assert "near it: ticket-already-" in said.err
    nowhere = ordered.run("refusals", "--reason", "qwxz", COLUMNS="200").err
    assert "there are cap-exceeded, carnet-already-activated, " in nowhere


def test_refusals_about_a_carnet(ordered: Souche, claims: list[Claim], code: str) -> None:
    for typed in (CARNET, "bfc22 OOOOOO1", code, shown(code)):
        (refused,) = ordered.look("refusals", "--carnet", typed)
        assert (refused["carnet"], refused["command_id"]) == (CARNET, claims[1].id)

    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    said = ordered.run("refusals", "--carnet", wrong)

    assert ordered.look("refusals", "--carnet", "BFC22-0000002") == []
    assert (said.code, wrong in said.err) == (2, False)


def test_refusals_are_cut_and_dated(ordered: Souche, claims: list[Claim]) -> None:
    ordered.refuse("holder", "register", "region-bfc", "Again")

    (latest,) = ordered.look("refusals", "--limit", "1")

    assert latest["reason"] == "holder-exists"
    assert ordered.look("refusals", "--since", latest["refused_at"])[0] == latest
    assert "No such refusal" in ordered.do("refusals", "--since", "2999-01-01")
    assert ordered.look("refusals", "--claim", claims[0].id) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--since", "yesterday"),
        ("--claim", "x"),
        ("--limit", "0"),
        ("--terminal", "counter"),
        ("--venue", "12"),
        ("--carnet", "first"),
    ],
)
def test_a_refusal_that_cannot_be_asked_for(souche: Souche, words: tuple[str, ...]) -> None:
    assert souche.run("refusals", *words).code == 2


def test_payouts_name_their_venues(ordered: Souche, claims: list[Claim]) -> None:
    (listed,) = ordered.look("payouts", "list")

    assert (listed["venue"], listed["name"]) == (VENUE, NAME)
    assert "Montsauvy" in ordered.do("payouts", "list")


def test_who_freezes_twice_for_one_cause_does_it_once(ordered: Souche, venue: str) -> None:
    suspend = ("venue", "suspend", venue, "--cause")
    ordered.do(*suspend, "Contrôle en cours")
    events = ordered.look("status")["events"]

    again = ordered.do(*suspend, "Contrôle en cours")
    same = ordered.look("status")["events"]
    ordered.do(*suspend, "Plainte")
    other = ordered.look("status")["events"]
    ordered.do("venue", "resume", venue)
    afresh = ordered.do(*suspend, "Contrôle en cours")
    ordered.do("venue", "resume", venue)

    assert again == f"Payments to {venue} are frozen already.\n"
    assert (same, other) == (events, events + 1)
    assert "already" not in afresh


def test_what_was_taken_after_the_end_of_a_qualification_stays_payable(
    ordered: Souche, claims: list[Claim], venue: str
) -> None:
    withdraw = ("venue", "withdraw", venue, "--on")

    later = ordered.run(*withdraw, "2199-01-01")
    before = ordered.run(*withdraw, "2022-01-15")
    events = ordered.look("status")["events"]
    again = ordered.run(*withdraw, "2022-01-15")

    assert (later.code, later.err) == (0, "")
    assert "It has taken 1 ticket, 10.00 €, from 2022-01-15 on" in before.err
    assert again.out == f"{venue} is not qualified from 2022-01-15 on already.\n"
    assert again.err == before.err
    assert ordered.look("status")["events"] == events
    ordered.do("payouts", "cutoff", "2022-03")
    (line,) = ordered.look("payouts", "show", "2022-03")["lines"]
    assert (line["venue"], line["amount_cents"]) == (venue, 1_000)


def _event(number: int, fact: CarnetFact) -> Event:
    return Event(
        stream=carnet_stream(CARNET),
        version=number,
        recorded_at=NOON,
        command_id=f"c{number}",
        actor="terminal:t-0123456789ab",
        fact=fact,
    )


def _voided() -> list[CarnetFact]:
    programme, tickets, cents = ProgrammeId("BFC22"), (1, 2), Cents(2000)
    return [
        CarnetIssued(
            carnet=CARNET,
            programme=programme,
            millesime=2022,
            order=OrderId("first"),
            face_value_cents=Cents(1000),
            valid_from=NOON,
            valid_until=NOON,
            pepper_id="p1",
            digests=("a", "b"),
            holder=HolderId("mairie"),
        ),
        TicketsRedeemed(
            programme=programme,
            millesime=2022,
            tickets=tickets,
            amount_cents=cents,
            venue=VenueId(VENUE),
            sequence=1,
            signed_at=int(NOON.timestamp()),
            served_at=NOON,
            served_on=NOON.date(),
        ),
        RedemptionVoided(
            programme=programme,
            millesime=2022,
            claim_id=ClaimId("c2"),
            tickets=tickets,
            amount_cents=cents,
            venue=VenueId(VENUE),
            terminal=TerminalId("t-0123456789ab"),
            signed_at=int(NOON.timestamp()),
        ),
    ]
