"""A command that can't be meant can't be made, so nobody has to decide on it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from ledger.decisions.funding import LARGEST_CHUNK
from ledger.decisions.programmes import (
    FIRST_YEAR,
    LARGEST_CAP,
    LARGEST_CLAIM,
    LARGEST_SIZE,
    LARGEST_WEIGHT,
    LAST_YEAR,
    LONGEST_VOID,
)
from ledger.decisions.situation import Command, InvalidCommandError
from ledger.values.codes import LARGEST_NUMBER
from ledger.values.money import LARGEST_AMOUNT, LARGEST_FACE_VALUE, Cents
from tests.builders.commands import (
    activate,
    assign,
    issue,
    open_programme,
    order_carnets,
    publish_rules,
    qualify_venue,
    record_funding,
    serials,
    transfer,
)
from tests.builders.facts import digests_of
from tests.builders.world import REGION
from tests.ledger.decisions.guards import REQUIREMENTS, Condition

CHUNK = serials(*range(1, LARGEST_CHUNK + 1))
TOO_MANY = serials(*range(1, LARGEST_CHUNK + 2))
DIGESTS = digests_of(1, 5)


@dataclass(frozen=True, slots=True)
class Wish:
    """A valid command with these changes."""

    name: str
    make: Callable[..., Command]
    told: str = ""  # how the message begins
    changes: dict[str, Any] = field(default_factory=dict)


def wish(name: str, make: Callable[..., Command], told: str = "", **changes: object) -> Wish:
    return Wish(name, make, told, changes)


CENTS = "cents: a positive amount for each funder"
REFERENCE = "reference: at least one letter or digit"
PARCEL = "carnets: 1 to 400, none twice"
TICKETS = "tickets: numbers from 1, ascending"
SHARES = "shares: a positive weight for each funder"
SIZES = "rules.sizes: 1 to 99 tickets"
DAYS = "rules: days are MM-DD"
FACE_VALUE = "rules.face_value_cents: 1 to 1000000"
MOST = "cents: at most 1000000000000 of all funders together"
HALVES = {"region": Cents(LARGEST_AMOUNT // 2), "state": Cents(LARGEST_AMOUNT // 2)}
YEAR = "millesime: 2000 to 2199"
WEIGHTS = "shares: at most 1000000000000"
CAP = "cap_tickets: 1 to 1000000000, or none"
MINUTES = "rules.void_minutes: 0 to 100000"
CARNETS = "carnets: 1 to 9999999"
CLAIMS = "rules.max_tickets_per_claim: 1 to 10"
YEARS = "rules.millesimes: 2000 to 2199"

INVALID = [
    wish("fund nothing", record_funding, CENTS, cents={}),
    wish("fund zero", record_funding, CENTS, cents={"region": Cents(0)}),
    wish("take funding back", record_funding, CENTS, cents={"region": Cents(-1)}),
    wish("fund zero of one", record_funding, CENTS, cents={"region": Cents(1), "state": Cents(0)}),
    wish("fund a cent too many", record_funding, MOST, cents={"region": Cents(LARGEST_AMOUNT + 1)}),
    wish("fund too much together", record_funding, MOST, cents=HALVES | {"third": Cents(1)}),
    wish("fund a year before there were any", record_funding, YEAR, millesime=FIRST_YEAR - 1),
    wish("fund a year with five digits", record_funding, YEAR, millesime=LAST_YEAR + 1),
    wish("fund under no name", record_funding, REFERENCE, reference=""),
    wish("fund under a dash", record_funding, REFERENCE, reference=" \u2014 "),
    wish("activate none", activate, PARCEL, carnets=()),
    wish("activate one twice", activate, PARCEL, carnets=serials(1, 2, 1)),
    wish("activate too many", activate, PARCEL, carnets=TOO_MANY),
    wish("issue none", issue, PARCEL, digests=()),
    wish("issue too many", issue, PARCEL, digests=(DIGESTS,) * (LARGEST_CHUNK + 1)),
    wish("transfer none", transfer, PARCEL, carnets=()),
    wish("transfer one twice", transfer, PARCEL, carnets=serials(1, 1)),
    wish("transfer too many", transfer, PARCEL, carnets=TOO_MANY),
    wish("transfer to oneself", transfer, "receiver: another", receiver=REGION),
    wish("assign no ticket", assign, TICKETS, tickets=()),
    wish("assign ticket 0", assign, TICKETS, tickets=(0,)),
    wish("assign backwards", assign, TICKETS, tickets=(2, 1)),
    wish("assign one twice", assign, TICKETS, tickets=(1, 1)),
    wish("nobody pays", open_programme, SHARES, shares={}),
    wish("one pays nothing", open_programme, SHARES, shares={"region": 1, "state": 0}),
    wish("one is paid", open_programme, SHARES, shares={"region": 3, "state": -1}),
    wish("one pays too much", open_programme, WEIGHTS, shares={"region": LARGEST_WEIGHT + 1}),
    wish("room for no ticket", open_programme, CAP, cap_tickets=0),
    wish("more room than numbers", open_programme, CAP, cap_tickets=LARGEST_CAP + 1),
    wish("no size", publish_rules, SIZES, sizes=()),
    wish("carnets without tickets", publish_rules, SIZES, sizes=(5, 0)),
    wish("more tickets than a code can number", publish_rules, SIZES, sizes=(5, 100)),
    wish("tickets worth nothing", publish_rules, FACE_VALUE, face_value_cents=Cents(0)),
    wish("tickets too dear", publish_rules, FACE_VALUE, face_value_cents=LARGEST_FACE_VALUE + 1),
    wish("voids before the redemption", publish_rules, MINUTES, void_minutes=-1),
    wish("voids for ever", publish_rules, MINUTES, void_minutes=LONGEST_VOID + 1),
    wish("claims of no ticket", publish_rules, CLAIMS, max_tickets_per_claim=0),
    wish("claims that no device can show", publish_rules, CLAIMS, max_tickets_per_claim=11),
    wish("a year before there were any", publish_rules, YEARS, millesimes=(2022, 1999)),
    wish("a year with five digits", publish_rules, YEARS, millesimes=(20222,)),
    wish("a first day of some years", publish_rules, DAYS, first_day="02-29"),
    wish("a last day in no month", publish_rules, DAYS, last_day="31-01"),
    wish("a last day that no month has", publish_rules, DAYS, last_day="04-31"),
    wish("a last day with its year", publish_rules, DAYS, last_day="2023-01-31"),
    wish("a last day without hyphen", publish_rules, DAYS, last_day="0131"),
    wish("a last day of a week", publish_rules, DAYS, last_day="W05-2"),
    wish("handed out until no day", publish_rules, DAYS, distribution_last_day=""),
    wish("handed out until 30 February", publish_rules, DAYS, distribution_last_day="02-30"),
    wish("order none", order_carnets, CARNETS, carnets=0),
    wish("order fewer than none", order_carnets, CARNETS, carnets=-1),
    wish("order more than there are numbers", order_carnets, CARNETS, carnets=LARGEST_NUMBER + 1),
    wish(
        "qualified until before it begins",
        qualify_venue,
        "last_day: not before first_day",
        first_day=date(2022, 1, 2),
        last_day=date(2022, 1, 1),
    ),
]
# What is just still allowed.
VALID = [
    wish("fund a cent", record_funding, cents={"region": Cents(1)}),
    wish("fund the most there is", record_funding, cents=HALVES),
    wish("fund the first year", record_funding, millesime=FIRST_YEAR),
    wish("fund the last year", record_funding, millesime=LAST_YEAR),
    wish("fund under a digit", record_funding, reference="7"),
    wish("activate a full chunk", activate, carnets=CHUNK),
    wish("activate one", activate, carnets=serials(1)),
    wish("issue a full chunk", issue, digests=(DIGESTS,) * LARGEST_CHUNK),
    wish("issue one", issue, digests=(DIGESTS,)),
    wish("transfer a full chunk", transfer, carnets=CHUNK),
    wish("assign some tickets", assign, tickets=(1, 3)),
    wish("assign the whole carnet", assign, tickets=None),
    wish("one pays all", open_programme, shares={"region": 1}),
    wish("the largest weight", open_programme, shares={"region": LARGEST_WEIGHT}),
    wish("room for a ticket", open_programme, cap_tickets=1),
    wish("as much room as there may be", open_programme, cap_tickets=LARGEST_CAP),
    wish("room for all", open_programme, cap_tickets=None),
    wish("the smallest and the largest size", publish_rules, sizes=(LARGEST_SIZE, 1)),
    wish("a face value of a cent", publish_rules, face_value_cents=Cents(1)),
    wish("the dearest ticket", publish_rules, face_value_cents=Cents(LARGEST_FACE_VALUE)),
    wish("voids at once", publish_rules, void_minutes=0),
    wish("voids for long", publish_rules, void_minutes=LONGEST_VOID),
    wish("a ticket a claim", publish_rules, max_tickets_per_claim=1),
    wish("as many as a device can show", publish_rules, max_tickets_per_claim=LARGEST_CLAIM),
    wish("the first and the last year", publish_rules, millesimes=(FIRST_YEAR, LAST_YEAR)),
    wish("no year any more", publish_rules, millesimes=()),
    wish("a last day in any year", publish_rules, last_day="02-28"),
    wish("handed out until a day", publish_rules, distribution_last_day="12-31"),
    wish("order one", order_carnets, carnets=1),
    wish("order all the numbers", order_carnets, carnets=LARGEST_NUMBER),
    wish(
        "qualified for a day",
        qualify_venue,
        first_day=date(2022, 1, 1),
        last_day=date(2022, 1, 1),
    ),
    wish("qualified until further notice", qualify_venue, last_day=None),
]


def made(wished: Wish) -> Command:
    return wished.make(**wished.changes)


def name_of(wished: Wish) -> str:
    return wished.name


@pytest.mark.parametrize("wished", INVALID, ids=name_of)
def test_it_can_not_be_made(wished: Wish) -> None:
    """The message names the field and what it has to be, for whoever sent the request."""
    with pytest.raises(InvalidCommandError) as refused:
        made(wished)

    assert str(refused.value).startswith(wished.told)


@pytest.mark.parametrize("wished", VALID, ids=name_of)
def test_up_to_its_limits_it_can_be_made(wished: Wish) -> None:
    command = made(wished)

    assert command.weight <= LARGEST_CHUNK + 1


@pytest.mark.parametrize(
    "required", [pytest.param(required, id=required.where) for required in REQUIREMENTS]
)
def test_something_could_be_made_without_the_requirement(
    required: Condition, monkeypatch: pytest.MonkeyPatch
) -> None:
    required.switch_off(monkeypatch)

    assert not all(map(is_refused, INVALID))


def is_refused(wished: Wish) -> bool:
    """Whether it still can't be made, for the reason that it should. To break is another one."""
    try:
        made(wished)
    except InvalidCommandError:
        return True
    except Exception:  # noqa: BLE001  # whatever breaks shows that the requirement is needed
        return False
    return False
