"""Every way to be refused: given this history, this command gets this refusal.

A guard that no scenario here needs fails `test_guards`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.decisions.clearing import RunLine
from ledger.decisions.situation import Command, Situation
from ledger.facts import AcceptanceArea
from ledger.values.ids import (
    ClaimId,
    FunderId,
    HolderId,
    OrderId,
    ProgrammeId,
    RunId,
    TerminalId,
    derived_id,
)
from ledger.values.money import Cents
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import (
    activate,
    approve_run,
    assign,
    close_programme,
    code,
    draft_run,
    enrol_terminal,
    fix_cutoff,
    invite_terminal,
    issue,
    open_programme,
    order_carnets,
    pay_part,
    publish_rules,
    qualify_venue,
    record_funding,
    redeem,
    register_holder,
    register_venue,
    resume_venue,
    revoke_terminal,
    roll_key,
    start_ledger,
    submit_run,
    transfer,
    void,
    withdraw_run,
    wrong_code,
)
from tests.builders.facts import (
    assigned,
    carnets_ordered,
    cutoff_fixed,
    end_of,
    funding_received,
    key_rolled,
    ledger_started,
    programme_closed,
    programme_opened,
    qualification_withdrawn,
    redeemed,
    rules_published,
    run_approved,
    run_drafted,
    run_submitted,
    run_withdrawn,
    start_of,
    terminal_enrolled,
    terminal_invited,
    terminal_revoked,
    transferred,
    venue_resumed,
    venue_suspended,
    voided,
)
from tests.builders.history import (
    APPROVED,
    AT_THE_VENUE,
    CIRCULATING,
    DRAFTED,
    ELSEWHERE,
    PAID,
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
    INVITED_UNTIL,
    MILLESIME,
    NEW_FINGERPRINT,
    NOW,
    OPERATOR,
    OTHER_TERMINAL,
    OTHER_VENUE,
    PROGRAMME,
    RUN,
    TOWN_HALL,
    VENUE,
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command that is refused, and how."""

    name: str
    history: History
    command: Command
    version: int | None = None  # the rules it is decided under
    detail: dict[str, str | int] | None = None
    at: datetime = NOW

    def situation(self) -> Situation:
        return given(*self.history, at=self.at)

    def refusal(self, reason: Reason) -> Refusal:
        return Refusal(reason, self.version, self.detail or {})


NOBODY = ProgrammeId("ABSENT9")
SECOND = timedelta(seconds=1)
CARNET: dict[str, str | int] = {"carnet": "BFC22-0000001"}
THIRD: dict[str, str | int] = {"carnet": "BFC22-0000003"}
A_DAY = timedelta(days=1)
HALF_AN_HOUR = timedelta(minutes=30)  # the example rules' delay for a void
INVITED = terminal_invited(terminal=OTHER_TERMINAL)
REDEEMED = (*READY, redeemed())
# A device has rolled its key as often as it may in a day, and has the last of these.
ROLLED_TO = ("1" * 16, "2" * 16, "3" * 16)
ROLLED = (*AT_THE_VENUE, *(key_rolled(fingerprint=each) for each in ROLLED_TO))
CATALOGUED = under(READY, services=("cv", "impots"))
ORDERED = (*STARTED, carnets_ordered())
CUT_OFF = (cutoff_fixed(),)
ENVELOPE = ProgrammeId("HDF22")
CLOSED_AROUND = (
    programme_opened(programme=ENVELOPE),
    programme_opened(parent=ENVELOPE),
    *STARTED[2:],
    programme_closed(ENVELOPE),
)
INSIDE = ProgrammeId("LYC22")
NESTED = (
    programme_opened(programme=NOBODY),
    programme_opened(programme=INSIDE, parent=NOBODY),
)
EMPTY_RUN = (
    *CUT_OFF,
    run_drafted(parts=()),
    run_submitted(parts=()),
    run_approved(parts=()),
)
WITHDRAWN = (*SUBMITTED, run_withdrawn())

SCENARIOS: dict[Reason, tuple[Scenario, ...]] = {
    Reason.LEDGER_HAS_STARTED: (
        Scenario("a second origin", (ledger_started(),), start_ledger(demo=True)),
    ),
    Reason.TERMINAL_UNKNOWN: (
        Scenario("redeem", READY, redeem(terminal=TerminalId("t-000000000000"))),
        Scenario("redeem, not enrolled yet", (*READY, INVITED), redeem(terminal=OTHER_TERMINAL)),
        Scenario("revoke", STARTED, revoke_terminal()),
        Scenario("void", REDEEMED, void(terminal=TerminalId("t-000000000000"))),
        Scenario("roll a key", STARTED, roll_key()),
        Scenario("roll a key before enrolment", (terminal_invited(),), roll_key()),
    ),
    Reason.TERMINAL_REVOKED: (
        Scenario("redeem", (*READY, terminal_revoked()), redeem()),
        Scenario("void", (*REDEEMED, terminal_revoked()), void()),
        Scenario("revoke again", (*AT_THE_VENUE, terminal_revoked()), revoke_terminal()),
        Scenario("roll its key", (*AT_THE_VENUE, terminal_revoked()), roll_key()),
    ),
    Reason.SESSION_ENDED: (
        Scenario("redeem with the old key", (*READY, key_rolled()), redeem()),
        Scenario("void with a key to come", REDEEMED, void(fingerprint=NEW_FINGERPRINT)),
        Scenario("roll a key that was rolled", (*READY, key_rolled()), roll_key()),
    ),
    Reason.SAME_PERSON: (
        Scenario("approve one's own run", SUBMITTED, approve_run(actor=OPERATOR)),
    ),
    Reason.VENUE_UNKNOWN: (
        Scenario("qualify", STARTED, qualify_venue()),
        Scenario("resume", STARTED, resume_venue()),
        Scenario("invite", STARTED, invite_terminal()),
    ),
    Reason.INVITATION_UNKNOWN: (
        Scenario("never made", STARTED, enrol_terminal()),
        Scenario("another code", (terminal_invited(),), enrol_terminal(invitation="guessed")),
    ),
    Reason.INVITATION_USED: (
        Scenario("enrolled", (terminal_invited(), terminal_enrolled()), enrol_terminal()),
        Scenario("invite again", AT_THE_VENUE, invite_terminal(command_id="another")),
        Scenario("revoked unused", (terminal_invited(), terminal_revoked()), enrol_terminal()),
    ),
    Reason.INVITATION_EXPIRED: (
        Scenario("to the second", (terminal_invited(),), enrol_terminal(asked_at=INVITED_UNTIL)),
    ),
    Reason.KEY_USED: (
        Scenario("roll to the key that it has", AT_THE_VENUE, roll_key(fingerprint=FINGERPRINT)),
        Scenario(
            "roll back to the first",
            (*AT_THE_VENUE, key_rolled()),
            roll_key(replaces=NEW_FINGERPRINT, fingerprint=FINGERPRINT),
        ),
        Scenario(
            "roll back to one between",
            ROLLED,
            roll_key(replaces=ROLLED_TO[-1], fingerprint=ROLLED_TO[0]),
            at=NOW + A_DAY,
        ),
    ),
    Reason.TOO_MANY_ROLLS: (
        Scenario(
            "roll for the fourth time in a day",
            ROLLED,
            roll_key(replaces=ROLLED_TO[-1]),
            at=NOW + A_DAY - SECOND,
        ),
    ),
    Reason.CODE_UNKNOWN: (
        Scenario("no such carnet", READY, redeem(codes=(code(number=9),))),
        Scenario("wrong secret", READY, redeem(codes=(wrong_code(),))),
        Scenario("one of two wrong", READY, redeem(codes=(code(1), wrong_code(2)))),
        Scenario("beyond the carnet", READY, redeem(6)),
        Scenario("void, no such carnet", REDEEMED, void(codes=(code(number=9),))),
        Scenario("void, wrong secret", REDEEMED, void(codes=(wrong_code(),))),
    ),
    Reason.CLAIM_UNKNOWN: (
        Scenario("never made", READY, void(claim_id=ClaimId(derived_id("claim", 2)))),
        Scenario("of other tickets", (*READY, redeemed(1, 2)), void(1)),
    ),
    Reason.CLAIM_VOIDED: (Scenario("void twice", (*REDEEMED, voided()), void()),),
    Reason.PROGRAMME_UNKNOWN: (
        Scenario("publish", (), publish_rules()),
        Scenario("close", (), close_programme()),
        Scenario("order", STARTED, order_carnets(programme=NOBODY)),
        Scenario("record funding", STARTED, record_funding(programme=NOBODY)),
        Scenario("activate", STARTED, activate(programme=NOBODY)),
        Scenario("issue", STARTED, issue(programme=NOBODY)),
    ),
    Reason.PROGRAMME_EXISTS: (Scenario("open twice", STARTED, open_programme()),),
    Reason.PARENT_UNKNOWN: (
        Scenario("open in nothing", (), open_programme(parent=NOBODY)),
        Scenario("open in itself", (), open_programme(parent=PROGRAMME)),
        Scenario("open in what is inside another", NESTED, open_programme(parent=INSIDE)),
        Scenario("order without its parent", NESTED, order_carnets(programme=INSIDE)),
        Scenario("order with another's", STARTED, order_carnets(parent=NOBODY)),
    ),
    Reason.ORDER_UNKNOWN: (Scenario("issue", STARTED, issue()),),
    Reason.ORDER_EXISTS: (Scenario("order twice", STOCKED, order_carnets()),),
    Reason.HOLDER_UNKNOWN: (
        Scenario("order", STARTED, order_carnets(holder=HolderId("nobody"))),
        Scenario("transfer to", STOCKED, transfer(receiver=HolderId("nobody"))),
        Scenario("transfer from", STOCKED, transfer(sender=HolderId("nobody"))),
    ),
    Reason.HOLDER_EXISTS: (Scenario("register twice", STARTED, register_holder()),),
    Reason.CARNET_UNKNOWN: (
        Scenario("activate", STARTED, activate(), detail=CARNET),
        Scenario("activate, one of two", STOCKED, activate(1, 3), detail=THIRD),
        Scenario(
            "activate for another millésime",
            (*STOCKED, funding_received(millesime=MILLESIME + 1)),
            activate(millesime=MILLESIME + 1),
            detail=CARNET,
        ),
        Scenario("transfer", STOCKED, transfer(3), detail=THIRD),
        Scenario("assign", STOCKED, assign(3), detail=THIRD),
    ),
    Reason.TICKET_UNKNOWN: (
        Scenario(
            "assign ticket 6 of 5",
            CIRCULATING,
            assign(tickets=(5, 6)),
            detail={**CARNET, "size": 5},
        ),
    ),
    Reason.CARNET_EXISTS: (Scenario("issue again", STOCKED, issue(1), detail={"next_number": 3}),),
    Reason.VENUE_EXISTS: (Scenario("register twice", AT_THE_VENUE, register_venue()),),
    Reason.RUN_UNKNOWN: (
        Scenario("draft", STARTED, draft_run()),
        Scenario("pay", STARTED, pay_part()),
        Scenario("withdraw", STARTED, withdraw_run()),
    ),
    Reason.RUN_EXISTS: (
        Scenario("cut off twice", CUT_OFF, fix_cutoff()),
        Scenario("cut off a closed run", PAID, fix_cutoff()),
    ),
    Reason.FUNDING_RECORDED: (
        Scenario(
            "book an entry twice",
            (*STARTED, funding_received()),
            record_funding(command_id="later"),
            detail={"reference": "BANK-0001"},
        ),
    ),
    Reason.FUNDER_UNKNOWN: (
        Scenario(
            "fund what one has no share in",
            STARTED,
            record_funding(cents={"region": Cents(1), FunderId("other"): Cents(1)}),
        ),
    ),
    Reason.RULES_UNPUBLISHED: (
        Scenario("order (R16)", (programme_opened(), STARTED[3]), order_carnets()),
    ),
    Reason.RULES_OUT_OF_ORDER: (
        Scenario("publish again", STARTED, publish_rules(1), detail={"published": 1}),
        Scenario("publish ahead", STARTED, publish_rules(3), detail={"published": 1}),
    ),
    Reason.PROGRAMME_CLOSED: (
        Scenario("publish", (*STARTED, programme_closed()), publish_rules(2)),
        Scenario("close twice", (*STARTED, programme_closed()), close_programme()),
        Scenario("order", (*STARTED, programme_closed()), order_carnets(), 1),
        Scenario("order in a closed envelope", CLOSED_AROUND, order_carnets(parent=ENVELOPE), 1),
        Scenario("issue", (*ORDERED, programme_closed()), issue()),
        Scenario("activate", (*STOCKED, funding_received(), programme_closed()), activate()),
        Scenario("assign", (*CIRCULATING, programme_closed()), assign(), 1, CARNET),
        Scenario("redeem", (*READY, programme_closed()), redeem(), 1, CARNET),
    ),
    Reason.SIZE_NOT_OFFERED: (
        Scenario("order seven a carnet (R02)", STARTED, order_carnets(size=7), 1, {"size": 7}),
        Scenario(
            "issue ten for five", (*STARTED, carnets_ordered()), issue(size=10), 1, {"size": 5}
        ),
    ),
    Reason.MILLESIME_NOT_OFFERED: (
        Scenario("order", STARTED, order_carnets(millesime=2021), 1, {"millesime": 2021}),
        Scenario("fund", STARTED, record_funding(millesime=2021), 1, {"millesime": 2021}),
    ),
    Reason.CAP_EXCEEDED: (
        Scenario(
            "a ticket too many",
            STARTED,
            order_carnets(carnets=9_001),
            1,
            {
                "tickets": 45_005,
                "programme": PROGRAMME,
                "cap_tickets": 45_000,
                "left_tickets": 45_000,
            },
        ),
        Scenario(
            "a carnet more",
            (*STARTED, carnets_ordered(carnets=9_000)),
            order_carnets(order=OrderId("order-2"), carnets=1),
            1,
            {"tickets": 5, "programme": PROGRAMME, "cap_tickets": 45_000, "left_tickets": 0},
        ),
        Scenario(
            "of the envelope it is in",
            (
                programme_opened(programme=ENVELOPE, cap_tickets=19),
                programme_opened(parent=ENVELOPE),
                *STARTED[2:],
            ),
            order_carnets(parent=ENVELOPE),
            1,
            {"tickets": 20, "programme": ENVELOPE, "cap_tickets": 19, "left_tickets": 19},
        ),
        Scenario(
            "of serial numbers",
            (programme_opened(cap_tickets=None), *STARTED[2:], carnets_ordered(carnets=1)),
            order_carnets(order=OrderId("order-2"), carnets=9_999_999),
            1,
            {"tickets": 49_999_995, "carnets_left": 9_999_998},
        ),
    ),
    Reason.ORDER_EXCEEDED: (
        Scenario("more than ordered", STOCKED, issue(3, carnets=3), detail={"next_number": 3}),
        Scenario("skipping one", STOCKED, issue(4, carnets=1), detail={"next_number": 3}),
    ),
    Reason.FUNDING_INSUFFICIENT: (
        Scenario(
            "a carnet more than paid for",
            (*STOCKED, funding_received(cents={"region": Cents(9_999)})),
            activate(1, 2),
            1,
            {"requires": "cash", "missing_cents": 1},
        ),
    ),
    Reason.TICKET_ALREADY_REDEEMED: (
        Scenario(
            "the same ticket (E29)",
            (*REDEEMED, *ELSEWHERE),
            redeem(
                command_id="later",
                terminal=OTHER_TERMINAL,
                fingerprint=NEW_FINGERPRINT,
            ),
            1,
            {**CARNET, "redeemed_at": "2022-06-01T08:00:00Z"},
        ),
        Scenario(
            "one of two",
            REDEEMED,
            redeem(1, 2, command_id="later"),
            1,
            {**CARNET, "redeemed_at": "2022-06-01T08:00:00Z"},
        ),
    ),
    Reason.CARNET_ALREADY_ACTIVATED: (
        Scenario("activate", CIRCULATING, activate(), detail=CARNET),
    ),
    Reason.CARNET_NOT_ACTIVATED: (
        Scenario("assign", STOCKED, assign(), 1, CARNET),
        Scenario("redeem", (*STOCKED, *AT_THE_VENUE, assigned()), redeem(), 1, CARNET),
    ),
    Reason.HOLDER_DIFFERS: (
        Scenario(
            "transfer, one of two",
            (*STOCKED, transferred(2)),
            transfer(1, 2),
            detail={"carnet": "BFC22-0000002", "holder": TOWN_HALL},
        ),
        Scenario(
            "transfer, the lowest is named",
            (*STOCKED, transferred(1), transferred(2)),
            transfer(2, 1),
            detail={**CARNET, "holder": TOWN_HALL},
        ),
        Scenario(
            "assign", CIRCULATING, assign(holder=TOWN_HALL), 1, {**CARNET, "holder": "region-bfc"}
        ),
    ),
    Reason.TICKET_ALREADY_ASSIGNED: (
        Scenario("transfer, one of two", READY, transfer(1, 2), detail=CARNET),
        Scenario(
            "transfer, the lowest is named",
            (*READY, assigned(2)),
            transfer(2, 1),
            detail=CARNET,
        ),
        Scenario(
            "assign", (*CIRCULATING, assigned(tickets=(1, 2))), assign(tickets=(2, 3)), 1, CARNET
        ),
    ),
    Reason.TICKET_NOT_ASSIGNED: (
        Scenario("redeem", CIRCULATING, redeem(), detail=CARNET),
        Scenario("one of two", (*CIRCULATING, assigned(tickets=(1,))), redeem(1, 2), None, CARNET),
    ),
    Reason.CARNET_EXPIRED: (
        Scenario("assign", CIRCULATING, assign(), 1, CARNET, at=end_of(MILLESIME)),
        Scenario("redeem (E01)", READY, redeem(), 1, CARNET, at=end_of(MILLESIME)),
    ),
    Reason.CARNET_NOT_YET_VALID: (
        Scenario("redeem", READY, redeem(), 1, CARNET, at=start_of(MILLESIME) - SECOND),
    ),
    Reason.DISTRIBUTION_ENDED: (
        Scenario(
            "assign (R33)",
            (*CIRCULATING, rules_published(2, distribution_last_day="12-31")),
            assign(),
            2,
            CARNET,
            at=datetime(2022, 12, 31, 23, tzinfo=UTC),
        ),
    ),
    Reason.TOO_MANY_TICKETS: (Scenario("redeem three", READY, redeem(1, 2, 3), 1, CARNET),),
    Reason.VENUE_NOT_QUALIFIED: (
        Scenario("withdrawn", (*READY, qualification_withdrawn()), redeem(), 1, CARNET),
    ),
    Reason.VENUE_SUSPENDED: (
        Scenario(
            "under rules that refuse it (E06)",
            (*under(READY, suspended_venues="refused"), venue_suspended()),
            redeem(),
            1,
            CARNET,
        ),
    ),
    Reason.VENUE_OUT_OF_AREA: tuple(
        Scenario(f"by {area.kind} (R42, E40)", under(READY, acceptance=area), redeem(), 1, CARNET)
        for area in (
            AcceptanceArea("regions", ("32",)),
            AcceptanceArea("departments", ("39", "70", "90")),
            AcceptanceArea("venues", (OTHER_VENUE,)),
        )
    ),
    Reason.SERVICE_NOT_OFFERED: (
        Scenario("not in the catalogue", CATALOGUED, redeem(service_code="yoga"), 1, CARNET),
        Scenario("none named", CATALOGUED, redeem(), 1, CARNET),
    ),
    Reason.VENUE_DIFFERS: (
        Scenario(
            "void what another venue took (E27)",
            (*REDEEMED, *ELSEWHERE),
            void(terminal=OTHER_TERMINAL, fingerprint=NEW_FINGERPRINT),
        ),
    ),
    Reason.VENUE_NOT_SUSPENDED: (
        Scenario("resume what was never suspended", AT_THE_VENUE, resume_venue()),
        Scenario(
            "resume twice", (*AT_THE_VENUE, venue_suspended(), venue_resumed()), resume_venue()
        ),
    ),
    Reason.VOID_TOO_LATE: (
        Scenario(
            "a second after the delay (E27)",
            REDEEMED,
            void(),
            1,
            CARNET,
            NOW + HALF_AN_HOUR + SECOND,
        ),
    ),
    Reason.CUTOFF_PASSED: (
        Scenario("void after the cutoff (E27)", (*REDEEMED, cutoff_fixed()), void(), 1, CARNET),
    ),
    Reason.TOO_MANY_VOIDS: (Scenario("void for ever", (*WORN, redeemed()), void(), 1, CARNET),),
    Reason.RUN_OPEN: (
        Scenario("a second run", CUT_OFF, fix_cutoff(RunId("2022-07")), None, {"run": RUN}),
    ),
    Reason.RUN_IN_ANOTHER_STATE: (
        Scenario("draft twice", DRAFTED, draft_run()),
        Scenario("draft for another cutoff", CUT_OFF, draft_run(cutoff=2)),
        Scenario("draft what is withdrawn", (*CUT_OFF, run_withdrawn()), draft_run()),
        Scenario("submit before the draft", CUT_OFF, submit_run()),
        Scenario("submit twice", SUBMITTED, submit_run()),
        Scenario("submit what is withdrawn", (*DRAFTED, run_withdrawn()), submit_run()),
        Scenario("approve before the draft", CUT_OFF, approve_run()),
        Scenario("approve what nobody submitted", DRAFTED, approve_run()),
        Scenario("approve twice", APPROVED, approve_run()),
        Scenario("approve what is withdrawn", WITHDRAWN, approve_run()),
        Scenario("withdraw what is paid", PAID, withdraw_run()),
        Scenario("withdraw twice", WITHDRAWN, withdraw_run()),
        Scenario("pay before the draft", CUT_OFF, pay_part()),
        Scenario("pay before the approval", SUBMITTED, pay_part()),
        Scenario("pay a part ahead", APPROVED, pay_part(part=1)),
        Scenario("pay after the last part", PAID, pay_part(part=1, lines=())),
        Scenario("pay what is withdrawn", WITHDRAWN, pay_part()),
    ),
    Reason.RUN_DIGEST_DIFFERS: (
        Scenario("approve another draft", SUBMITTED, approve_run(digest="0" * 64)),
        Scenario("pay another amount", APPROVED, pay_part(lines=(RunLine(VENUE, Cents(2000)),))),
        Scenario("pay a line in a run without any", EMPTY_RUN, pay_part()),
    ),
}
