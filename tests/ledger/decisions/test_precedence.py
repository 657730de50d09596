"""Of two reasons that hold, the first in `Reason` is given."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from ledger.decisions.situation import Command
from ledger.facts import AcceptanceArea
from ledger.values.ids import FunderId, ProgrammeId
from ledger.values.money import Cents
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import (
    activate,
    approve_run,
    assign,
    invite_terminal,
    issue,
    order_carnets,
    publish_rules,
    record_funding,
    redeem,
    roll_key,
    transfer,
    void,
    wrong_code,
)
from tests.builders.facts import (
    carnets_ordered,
    cutoff_fixed,
    end_of,
    funding_received,
    key_rolled,
    programme_closed,
    qualification_withdrawn,
    redeemed,
    run_withdrawn,
    terminal_invited,
    terminal_revoked,
    transferred,
    venue_suspended,
    voided,
)
from tests.builders.history import (
    APPROVED,
    CIRCULATING,
    ELSEWHERE,
    READY,
    STARTED,
    STOCKED,
    SUBMITTED,
    WORN,
    History,
    given,
    under,
)
from tests.builders.world import (
    FINGERPRINT,
    MILLESIME,
    NEW_FINGERPRINT,
    NOW,
    OPERATOR,
    OTHER_TERMINAL,
    TOWN_HALL,
)
from tests.ledger.decisions.guards import GUARDS
from tests.ledger.decisions.scenarios import ROLLED, ROLLED_TO

TOO_LATE = NOW + timedelta(days=1)
NOWHERE = AcceptanceArea("venues")


@dataclass(frozen=True, slots=True)
class Both:
    """A command that two reasons speak against."""

    first: Reason
    second: Reason
    history: History
    command: Command
    at: datetime = NOW


CASES = [
    Both(
        Reason.TERMINAL_REVOKED,
        Reason.SESSION_ENDED,
        (*READY, key_rolled(), terminal_revoked()),
        redeem(),
    ),
    Both(
        Reason.TERMINAL_REVOKED,
        Reason.CODE_UNKNOWN,
        (*READY, terminal_revoked()),
        redeem(codes=[wrong_code()]),
    ),
    Both(
        Reason.SESSION_ENDED,
        Reason.CODE_UNKNOWN,
        (*READY, key_rolled()),
        redeem(codes=[wrong_code()]),
    ),
    Both(
        Reason.CODE_UNKNOWN,
        Reason.TICKET_ALREADY_REDEEMED,
        (*READY, redeemed()),
        redeem(codes=[wrong_code()]),
    ),
    Both(
        Reason.PROGRAMME_CLOSED,
        Reason.TICKET_ALREADY_REDEEMED,
        (*READY, redeemed(), programme_closed()),
        redeem(),
    ),
    Both(
        Reason.TICKET_ALREADY_REDEEMED,
        Reason.CARNET_EXPIRED,
        (*READY, redeemed()),
        redeem(),
        end_of(MILLESIME),
    ),
    Both(
        Reason.CARNET_NOT_ACTIVATED,
        Reason.TICKET_NOT_ASSIGNED,
        (*STOCKED, *READY[9:13]),
        redeem(),
    ),
    Both(
        Reason.TICKET_NOT_ASSIGNED, Reason.CARNET_EXPIRED, CIRCULATING, redeem(), end_of(MILLESIME)
    ),
    Both(
        Reason.CARNET_EXPIRED,
        Reason.TOO_MANY_TICKETS,
        READY,
        redeem(1, 2, 3),
        end_of(MILLESIME),
    ),
    Both(
        Reason.TOO_MANY_TICKETS,
        Reason.VENUE_NOT_QUALIFIED,
        (*READY, qualification_withdrawn()),
        redeem(1, 2, 3),
    ),
    Both(
        Reason.VENUE_NOT_QUALIFIED,
        Reason.VENUE_OUT_OF_AREA,
        (*under(READY, acceptance=NOWHERE), qualification_withdrawn()),
        redeem(),
    ),
    Both(
        Reason.VENUE_NOT_QUALIFIED,
        Reason.VENUE_SUSPENDED,
        (
            *under(READY, suspended_venues="refused"),
            venue_suspended(),
            qualification_withdrawn(),
        ),
        redeem(),
    ),
    Both(
        Reason.VENUE_SUSPENDED,
        Reason.VENUE_OUT_OF_AREA,
        (*under(READY, acceptance=NOWHERE, suspended_venues="refused"), venue_suspended()),
        redeem(),
    ),
    Both(
        Reason.CLAIM_UNKNOWN,
        Reason.VOID_TOO_LATE,
        (*READY, redeemed(1, 2)),
        void(1),
        TOO_LATE,
    ),
    Both(
        Reason.VENUE_DIFFERS,
        Reason.VOID_TOO_LATE,
        (*READY, redeemed(), *ELSEWHERE),
        void(terminal=OTHER_TERMINAL, fingerprint=NEW_FINGERPRINT),
        TOO_LATE,
    ),
    Both(
        Reason.CLAIM_VOIDED,
        Reason.VENUE_DIFFERS,
        (*READY, redeemed(), voided(), *ELSEWHERE),
        void(terminal=OTHER_TERMINAL, fingerprint=NEW_FINGERPRINT),
    ),
    Both(
        Reason.VOID_TOO_LATE,
        Reason.CUTOFF_PASSED,
        (*READY, redeemed(), cutoff_fixed()),
        void(),
        TOO_LATE,
    ),
    Both(
        Reason.CUTOFF_PASSED,
        Reason.TOO_MANY_VOIDS,
        (*WORN, redeemed(), cutoff_fixed()),
        void(),
    ),
    Both(
        Reason.SESSION_ENDED,
        Reason.KEY_USED,
        ROLLED,
        roll_key(fingerprint=FINGERPRINT),
        NOW + timedelta(days=1),
    ),
    Both(
        Reason.KEY_USED,
        Reason.TOO_MANY_ROLLS,
        ROLLED,
        roll_key(replaces=ROLLED_TO[-1], fingerprint=FINGERPRINT),
    ),
    Both(
        Reason.FUNDING_RECORDED,
        Reason.FUNDER_UNKNOWN,
        (*STARTED, funding_received()),
        record_funding(cents={FunderId("other"): Cents(1)}),
    ),
    Both(
        Reason.FUNDER_UNKNOWN,
        Reason.MILLESIME_NOT_OFFERED,
        STARTED,
        record_funding(millesime=2021, cents={FunderId("other"): Cents(1)}),
    ),
    Both(
        Reason.TICKET_UNKNOWN,
        Reason.PROGRAMME_CLOSED,
        (*CIRCULATING, programme_closed()),
        assign(tickets=(6,)),
    ),
    Both(
        Reason.ORDER_EXISTS,
        Reason.PROGRAMME_CLOSED,
        (*STARTED, carnets_ordered(), programme_closed()),
        order_carnets(),
    ),
    Both(
        Reason.PROGRAMME_CLOSED,
        Reason.SIZE_NOT_OFFERED,
        (*STARTED, programme_closed()),
        order_carnets(size=7),
    ),
    Both(
        Reason.SIZE_NOT_OFFERED,
        Reason.MILLESIME_NOT_OFFERED,
        STARTED,
        order_carnets(size=7, millesime=1999),
    ),
    Both(
        Reason.MILLESIME_NOT_OFFERED,
        Reason.CAP_EXCEEDED,
        STARTED,
        order_carnets(millesime=1999, carnets=9_001),
    ),
    Both(
        Reason.RULES_OUT_OF_ORDER,
        Reason.PROGRAMME_CLOSED,
        (*STARTED, programme_closed()),
        publish_rules(3),
    ),
    Both(
        Reason.PARENT_UNKNOWN,
        Reason.ORDER_EXISTS,
        STOCKED,
        order_carnets(parent=ProgrammeId("HDF22")),
    ),
    Both(Reason.CARNET_EXISTS, Reason.PROGRAMME_CLOSED, (*STOCKED, programme_closed()), issue(1)),
    Both(Reason.PROGRAMME_CLOSED, Reason.ORDER_EXCEEDED, (*STOCKED, programme_closed()), issue(4)),
    Both(
        Reason.CARNET_UNKNOWN,
        Reason.FUNDING_INSUFFICIENT,
        STOCKED,
        activate(millesime=MILLESIME + 1),
    ),
    Both(
        Reason.PROGRAMME_CLOSED,
        Reason.FUNDING_INSUFFICIENT,
        (*STOCKED, programme_closed()),
        activate(),
    ),
    Both(Reason.CARNET_NOT_ACTIVATED, Reason.HOLDER_DIFFERS, STOCKED, assign(holder=TOWN_HALL)),
    Both(Reason.HOLDER_DIFFERS, Reason.TICKET_ALREADY_ASSIGNED, READY, assign(holder=TOWN_HALL)),
    Both(
        Reason.HOLDER_DIFFERS,
        Reason.TICKET_ALREADY_ASSIGNED,
        (*READY, transferred(2)),
        transfer(1, 2),
    ),
    Both(Reason.TICKET_ALREADY_ASSIGNED, Reason.CARNET_EXPIRED, READY, assign(), end_of(MILLESIME)),
    Both(
        Reason.VENUE_OUT_OF_AREA,
        Reason.SERVICE_NOT_OFFERED,
        under(READY, acceptance=NOWHERE, services=("cv",)),
        redeem(),
    ),
    Both(Reason.VENUE_UNKNOWN, Reason.INVITATION_USED, (terminal_invited(),), invite_terminal()),
    Both(
        Reason.SAME_PERSON,
        Reason.RUN_IN_ANOTHER_STATE,
        (*SUBMITTED, run_withdrawn()),
        approve_run(actor=OPERATOR),
    ),
    Both(
        Reason.SAME_PERSON,
        Reason.RUN_DIGEST_DIFFERS,
        SUBMITTED,
        approve_run(actor=OPERATOR, digest="0" * 64),
    ),
    Both(
        Reason.RUN_IN_ANOTHER_STATE,
        Reason.RUN_DIGEST_DIFFERS,
        APPROVED,
        approve_run(digest="0" * 64),
    ),
]


@pytest.mark.parametrize(
    "both", [pytest.param(both, id=f"{both.first} before {both.second}") for both in CASES]
)
def test_the_first_of_two_reasons_is_given(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the guards of the first out of the way the second shows: it did hold as well."""
    situation = given(*both.history, at=both.at)

    assert reason_of(both, both.command.decide(situation)) is both.first
    for guard in GUARDS:
        if guard.reason is both.first and guard.whole:
            guard.switch_off(monkeypatch)
    assert reason_of(both, both.command.decide(situation)) is both.second


def reason_of(both: Both, outcome: object) -> Reason:
    assert isinstance(outcome, Refusal), both
    return outcome.reason
