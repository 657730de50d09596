"""Redeem, take back, and look: what a terminal asks of a carnet."""

from datetime import date, datetime, timedelta
from typing import ClassVar

from ledger.decisions.carnets import Carnet
from ledger.decisions.reference import Reference, TerminalEntry
from ledger.decisions.situation import Accepted, Command, Decision, Finding, Situation
from ledger.facts import Event, RedemptionVoided, Rules, TicketsRedeemed
from ledger.values.clock import local_day
from ledger.values.codes import TicketCode, digest
from ledger.values.ids import ClaimId, StreamId, TerminalId, carnet_stream
from ledger.values.money import Cents
from ledger.values.reasons import Reason, Refusal


class TerminalCommand(Command, frozen=True, kw_only=True):
    """A command of a device about tickets of one carnet, shown by their codes."""

    terminal: TerminalId
    fingerprint: str  # of the key that opened the session
    codes: tuple[TicketCode, ...]  # one carnet, no ticket twice: the edge sees to it

    @property
    def streams(self) -> tuple[StreamId, ...]:
        return (carnet_stream(self.codes[0].carnet),)


class RedeemTickets(TerminalCommand, frozen=True, kw_only=True):
    """Take all these tickets for a workshop, or none. The command's id is the claim's."""

    keeps_digest: ClassVar[bool] = False

    sequence: int
    service_code: str | None = None
    workshop_id: str | None = None

    def decide(self, at: Situation) -> Decision:
        return decide_redemption(at.streams.get(self.streams[0]), self, at)

    def repeats(self, event: Event) -> bool:
        fact = event.fact
        return (
            isinstance(fact, TicketsRedeemed)
            and fact.tickets == _numbers(self.codes)
            and event.actor == self.actor
        )


class VoidRedemption(TerminalCommand, frozen=True, kw_only=True):
    """Take a redemption back. It carries the codes, so that its carnet is found without a search."""

    keeps_digest: ClassVar[bool] = False

    claim_id: ClaimId

    def decide(self, at: Situation) -> Decision:
        return decide_void(at.streams.get(self.streams[0]), self, at)

    def repeats(self, event: Event) -> bool:
        fact = event.fact
        return isinstance(fact, RedemptionVoided) and fact.claim_id == self.claim_id


class CheckTickets(TerminalCommand, frozen=True, kw_only=True):
    """Ask whether these tickets would be taken. No effect."""

    def decide(self, at: Situation) -> Decision:
        found = taken_by(at.streams.get(self.streams[0]), self, at)
        if isinstance(found, Refusal):
            return Finding({"redeemable": False, "reason": found.reason.value})
        carnet, _ = found
        tickets = _numbers(self.codes)
        return Finding(
            {
                "redeemable": True,
                "carnet": carnet.id,
                "tickets": tickets,
                "amount_cents": len(tickets) * carnet.issued.face_value_cents,
                "usable_until": last_usable_day(carnet, at.reference),
            }
        )


def decide_redemption(carnet: Carnet | None, claim: RedeemTickets, at: Situation) -> Decision:
    """Redeem all the tickets of `claim`, or none. Pure; checks run in the order of `Reason`."""
    found = taken_by(carnet, claim, at)
    if isinstance(found, Refusal):
        return found

    # From here on the redemption succeeds.
    carnet, terminal = found
    issued = carnet.issued
    tickets = _numbers(claim.codes)
    fact = TicketsRedeemed(
        programme=issued.programme,
        millesime=issued.millesime,
        tickets=tickets,
        amount_cents=Cents(len(tickets) * issued.face_value_cents),
        venue=terminal.venue,
        sequence=claim.sequence,
        served_at=at.now,
        served_on=_today(carnet, at),
        service_code=claim.service_code,
        workshop_id=claim.workshop_id,
    )
    return Accepted(((claim.streams[0], fact),))


def taken_by(
    carnet: Carnet | None, claim: TerminalCommand, at: Situation
) -> tuple[Carnet, TerminalEntry] | Refusal:
    """The carnet and the terminal that may take these tickets now, or why it may not.

    Sources: R05 (1..n tickets a workshop), R30 to R33 (validity), R40 (qualified before), R42
    (acceptance area), E01 (half-open in the programme's zone), E06, E25 (rules as assigned), E29.
    """
    terminal = _known_terminal(claim, at.reference)
    if isinstance(terminal, Refusal):
        return terminal
    if carnet is None or not _opens(carnet, claim.codes, at):
        return Refusal(Reason.CODE_UNKNOWN)
    tickets = _numbers(claim.codes)
    version = carnet.assigned.get(tickets[0], 0)
    programme = at.reference.programmes[carnet.issued.programme]
    rules = programme.rules[version - 1] if version else None
    if programme.closed:
        return _refuse(Reason.PROGRAMME_CLOSED, carnet, version)
    if taken := [carnet.redeemed[t] for t in tickets if t in carnet.redeemed]:
        return _refuse(Reason.TICKET_ALREADY_REDEEMED, carnet, version, at=taken[0])
    if not carnet.activated:
        return _refuse(Reason.CARNET_NOT_ACTIVATED, carnet, version)
    if rules is None or any(t not in carnet.assigned for t in tickets):
        return _refuse(Reason.TICKET_NOT_ASSIGNED, carnet, version)
    if at.now >= carnet.issued.valid_until:
        return _refuse(Reason.CARNET_EXPIRED, carnet, version)
    if at.now < carnet.issued.valid_from:
        return _refuse(Reason.CARNET_NOT_YET_VALID, carnet, version)
    if len(tickets) > rules.max_tickets_per_claim:
        return _refuse(Reason.TOO_MANY_TICKETS, carnet, version)
    venue = at.reference.venues[terminal.venue]
    if not venue.is_qualified(_today(carnet, at)):
        return _refuse(Reason.VENUE_NOT_QUALIFIED, carnet, version)
    if not _accepts(rules, terminal, at.reference):
        return _refuse(Reason.VENUE_OUT_OF_AREA, carnet, version)
    return carnet, terminal


def decide_void(carnet: Carnet | None, void: VoidRedemption, at: Situation) -> Decision:
    """Take back a redemption: the same venue, soon, before the cutoff (E27)."""
    terminal = _known_terminal(void, at.reference)
    if isinstance(terminal, Refusal):
        return terminal
    if carnet is None or not _opens(carnet, void.codes, at):
        return Refusal(Reason.CODE_UNKNOWN)
    redemption = carnet.redemptions.get(void.claim_id)
    if redemption is None or redemption.fact.tickets != _numbers(void.codes):
        return Refusal(Reason.CLAIM_UNKNOWN)
    if redemption.voided:
        return Refusal(Reason.CLAIM_VOIDED)
    fact = redemption.fact
    if fact.venue != terminal.venue:
        return Refusal(Reason.VENUE_DIFFERS)
    rules = at.reference.programmes[fact.programme].rules
    version = carnet.assigned[fact.tickets[0]]
    if at.now - fact.served_at > timedelta(minutes=rules[version - 1].void_minutes):
        return _refuse(Reason.VOID_TOO_LATE, carnet, version)
    if redemption.position < at.reference.cutoff:
        return _refuse(Reason.CUTOFF_PASSED, carnet, version)

    # From here on the void succeeds.
    voided = RedemptionVoided(
        programme=fact.programme,
        millesime=fact.millesime,
        claim_id=void.claim_id,
        tickets=fact.tickets,
        amount_cents=fact.amount_cents,
        venue=fact.venue,
        terminal=void.terminal,
    )
    return Accepted(((void.streams[0], voided),))


def last_usable_day(carnet: Carnet, reference: Reference) -> str:
    """The inclusive last day, as people are shown it: 2023-01-31."""
    zone = reference.programmes[carnet.issued.programme].opened.zone
    return local_day(carnet.issued.valid_until - timedelta(seconds=1), zone).isoformat()


def _known_terminal(by: TerminalCommand, reference: Reference) -> TerminalEntry | Refusal:
    terminal = reference.terminals.get(by.terminal)
    if terminal is None or not terminal.fingerprint:
        return Refusal(Reason.TERMINAL_UNKNOWN)
    if terminal.revoked:
        return Refusal(Reason.TERMINAL_REVOKED)
    if terminal.fingerprint != by.fingerprint:
        return Refusal(Reason.SESSION_ENDED)
    return terminal


def _opens(carnet: Carnet, codes: tuple[TicketCode, ...], at: Situation) -> bool:
    """Whether every code is the one its ticket was issued with.

    A digest is no secret to time: who could use the difference already has the pepper.
    """
    digests = carnet.issued.digests
    pepper = at.peppers.get(carnet.issued.pepper_id)
    return pepper is not None and all(
        1 <= code.ticket <= len(digests) and digest(pepper, code.text) == digests[code.ticket - 1]
        for code in codes
    )


def _accepts(rules: Rules, terminal: TerminalEntry, reference: Reference) -> bool:
    area = rules.acceptance
    where = reference.venues[terminal.venue].registered
    match area.kind:
        case "national":
            return True
        case "regions":
            return where.region in area.codes
        case "departments":
            return where.department in area.codes
        case "venues":
            return terminal.venue in area.codes


def _numbers(codes: tuple[TicketCode, ...]) -> tuple[int, ...]:
    return tuple(sorted(code.ticket for code in codes))


def _today(carnet: Carnet, at: Situation) -> date:
    zone = at.reference.programmes[carnet.issued.programme].opened.zone
    return local_day(at.now, zone)


def _refuse(reason: Reason, carnet: Carnet, version: int, *, at: datetime | None = None) -> Refusal:
    detail: dict[str, str | int] = {"carnet": carnet.id}
    if at is not None:
        detail["redeemed_at"] = at.isoformat().replace("+00:00", "Z")
    return Refusal(reason, version or None, detail)
