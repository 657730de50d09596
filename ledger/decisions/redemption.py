"""Redeem, take back, and look: what a terminal asks of a carnet."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from hmac import compare_digest
from typing import ClassVar, Final

from ledger.decisions.carnets import Carnet
from ledger.decisions.reference import Reference, TerminalEntry
from ledger.decisions.situation import Accepted, Command, Decision, Evidence, Finding, Situation
from ledger.facts import (
    AcceptanceArea,
    Event,
    RedemptionVoided,
    Rules,
    TicketsRedeemed,
    VenueRegistered,
)
from ledger.values.clock import local_day
from ledger.values.codes import TicketCode
from ledger.values.ids import ClaimId, StreamId, TerminalId, VenueId, carnet_stream
from ledger.values.money import Cents
from ledger.values.reasons import Reason, Refusal

# Every batch that touches a carnet reads all of its stream, so no device may lengthen it for ever
# by taking and giving back. Honest mistakes stay far below.
VOIDS_A_TICKET: Final = 3


class TerminalCommand(Command, frozen=True, kw_only=True):
    """A command of a device about tickets of one carnet, shown by their codes."""

    terminal: TerminalId
    fingerprint: str  # of the key that opened the session
    stream: StreamId  # the carnet's
    codes: dict[int, str]  # ticket → its code, normalised; ascending

    @property
    def tickets(self) -> tuple[int, ...]:
        return tuple(self.codes)

    @property
    def evidence(self) -> Evidence:
        """The serial, also where no such ticket is known, so that guesses at one can be counted."""
        return {"carnet": self.stream.removeprefix("carnet:"), "tickets": list(self.codes)}


Applying = tuple[int, Rules]  # a version of a programme's rules, and what it says


class SeveralCarnetsError(ValueError):
    """The codes are of several carnets, or one of them is there twice."""


def one_carnet(codes: Sequence[TicketCode]) -> tuple[StreamId, dict[int, str]]:
    """The `stream` and `codes` of a terminal's command.

    Raises:
        SeveralCarnetsError: a command takes tickets of one carnet, each once.
    """
    carnet = codes[0].carnet
    if len(codes) == 1:  # by far the most
        return carnet_stream(carnet), {codes[0].ticket: codes[0].text}
    by_ticket = {code.ticket: code.text for code in sorted(codes, key=lambda code: code.ticket)}
    if len(by_ticket) != len(codes) or any(code.carnet != carnet for code in codes):
        raise SeveralCarnetsError("the tickets of one carnet, each once")
    return carnet_stream(carnet), by_ticket


class RedeemTickets(TerminalCommand, frozen=True, kw_only=True):
    """Take all these tickets for a workshop, or none. The command's id is the claim's."""

    keeps_digest: ClassVar[bool] = False

    sequence: int
    signed_at: int  # Unix seconds, by the device's clock
    service_code: str | None = None
    workshop_id: str | None = None

    @property
    def evidence(self) -> Evidence:
        """Also the device's count and clock: of two that took one ticket, who signed first?"""
        return {**super().evidence, "sequence": self.sequence, "signed_at": self.signed_at}

    def decide(self, at: Situation) -> Decision:
        return decide_redemption(at.streams.get(self.stream), self, at)

    def was_undone(self, at: Situation) -> bool:
        carnet: Carnet = at.streams[self.stream]
        return carnet.redemptions[self.command_id].voided

    def repeats(self, event: Event) -> bool:
        fact = event.fact
        return (
            isinstance(fact, TicketsRedeemed)
            and fact.tickets == self.tickets
            and event.actor == self.actor
            and (fact.service_code, fact.workshop_id) == (self.service_code, self.workshop_id)
        )


class VoidRedemption(TerminalCommand, frozen=True, kw_only=True):
    """Take a redemption back. It carries the codes, so its carnet is found without a search."""

    keeps_digest: ClassVar[bool] = False

    claim_id: ClaimId
    signed_at: int  # Unix seconds, by the device's clock

    @property
    def evidence(self) -> Evidence:
        """Also the device's clock."""
        return {**super().evidence, "signed_at": self.signed_at}

    def decide(self, at: Situation) -> Decision:
        return decide_void(at.streams.get(self.stream), self, at)

    def repeats(self, event: Event) -> bool:
        fact = event.fact
        return (
            isinstance(fact, RedemptionVoided)
            and fact.claim_id == self.claim_id
            and event.actor == self.actor
        )


class CheckTickets(TerminalCommand, frozen=True, kw_only=True):
    """Ask whether these tickets would be taken. No effect."""

    def decide(self, at: Situation) -> Decision:
        found = taken_by(at.streams.get(self.stream), self, at)
        if isinstance(found, Refusal):
            return Finding({"redeemable": False, "reason": found.reason.value})
        carnet, *_ = found
        return Finding(
            {
                "redeemable": True,
                "carnet": carnet.id,
                "tickets": self.tickets,
                "amount_cents": len(self.codes) * carnet.issued.face_value_cents,
                "usable_until": last_usable_day(carnet, at.reference),
            }
        )


def decide_redemption(carnet: Carnet | None, claim: RedeemTickets, at: Situation) -> Decision:
    """Take the whole claim or none of it. Of several reasons against it, `Reason` says which."""
    found = taken_by(carnet, claim, at)
    if isinstance(found, Refusal):
        return found

    carnet, venue, today, applying = found
    for version, rules in applying:
        if rules.services and claim.service_code not in rules.services:
            return _refuse(Reason.SERVICE_NOT_OFFERED, carnet, version)

    # From here on the redemption succeeds.
    issued = carnet.issued
    fact = TicketsRedeemed(
        programme=issued.programme,
        millesime=issued.millesime,
        tickets=claim.tickets,
        amount_cents=Cents(len(claim.codes) * issued.face_value_cents),
        venue=venue,
        sequence=claim.sequence,
        signed_at=claim.signed_at,
        served_at=at.now,
        served_on=today,
        service_code=claim.service_code,
        workshop_id=claim.workshop_id,
    )
    return Accepted(((claim.stream, fact),))


def taken_by(
    carnet: Carnet | None, claim: TerminalCommand, at: Situation
) -> tuple[Carnet, VenueId, date, list[Applying]] | Refusal:
    """The carnet, venue, day and rules with which these tickets can be taken, or why they can't.

    Tickets of a split carnet may have been handed out under several versions. Each of them has to
    allow the whole claim, or a ticket would get round its own rules beside one with others.

    Sources: R05 (1..n tickets a workshop), R30 to R33 (validity), R40 (qualified before), R42
    (acceptance area), E01 (half-open in the programme's zone), E06 (suspended: as the rules say),
    E25 (rules as assigned), E29.
    """
    terminal = _known_terminal(claim, at.reference)
    if isinstance(terminal, Refusal):
        return terminal
    if carnet is None or not _opens(carnet, claim.codes, at):
        return Refusal(Reason.CODE_UNKNOWN)
    issued, tickets = carnet.issued, claim.codes.keys()
    versions = _versions(carnet, tickets)
    oldest = versions[0]
    programme = at.reference.programmes[issued.programme]
    if programme.closed:
        return _refuse(Reason.PROGRAMME_CLOSED, carnet, oldest)
    if not carnet.redeemed.keys().isdisjoint(tickets):
        return _already_redeemed(carnet, claim, oldest)
    if not carnet.activated:
        return _refuse(Reason.CARNET_NOT_ACTIVATED, carnet, oldest)
    if oldest == 0:
        return _refuse(Reason.TICKET_NOT_ASSIGNED, carnet, oldest)
    if at.now >= issued.valid_until:
        return _refuse(Reason.CARNET_EXPIRED, carnet, oldest)
    if at.now < issued.valid_from:
        return _refuse(Reason.CARNET_NOT_YET_VALID, carnet, oldest)
    applying = [(version, programme.rules[version - 1]) for version in versions]
    for version, rules in applying:
        if len(tickets) > rules.max_tickets_per_claim:
            return _refuse(Reason.TOO_MANY_TICKETS, carnet, version)
    venue = at.reference.venues[terminal.venue]
    today = local_day(at.now, programme.opened.zone)
    if not venue.is_qualified(today):
        return _refuse(Reason.VENUE_NOT_QUALIFIED, carnet, oldest)
    if venue.suspended:
        for version, rules in applying:
            if rules.suspended_venues == "refused":
                return _refuse(Reason.VENUE_SUSPENDED, carnet, version)
    for version, rules in applying:
        if not _accepts(rules.acceptance, venue.registered):
            return _refuse(Reason.VENUE_OUT_OF_AREA, carnet, version)
    return carnet, terminal.venue, today, applying


def decide_void(carnet: Carnet | None, void: VoidRedemption, at: Situation) -> Decision:
    """Take back a redemption: the same venue, soon, before the cutoff, not for ever (E27)."""
    terminal = _known_terminal(void, at.reference)
    if isinstance(terminal, Refusal):
        return terminal
    if carnet is None or not _opens(carnet, void.codes, at):
        return Refusal(Reason.CODE_UNKNOWN)
    redemption = carnet.redemptions.get(void.claim_id)
    if redemption is None or redemption.fact.tickets != void.tickets:
        return Refusal(Reason.CLAIM_UNKNOWN)
    if redemption.voided:
        return Refusal(Reason.CLAIM_VOIDED)
    fact = redemption.fact
    if fact.venue != terminal.venue:
        return Refusal(Reason.VENUE_DIFFERS)
    rules = at.reference.programmes[fact.programme].rules
    versions = _versions(carnet, fact.tickets)
    for version in versions:
        if at.now - fact.served_at > timedelta(minutes=rules[version - 1].void_minutes):
            return _refuse(Reason.VOID_TOO_LATE, carnet, version)
    if redemption.position < at.reference.cutoff:
        return _refuse(Reason.CUTOFF_PASSED, carnet, versions[0])
    if carnet.voids >= VOIDS_A_TICKET * carnet.size:
        return _refuse(Reason.TOO_MANY_VOIDS, carnet, versions[0])

    # From here on the void succeeds.
    voided = RedemptionVoided(
        programme=fact.programme,
        millesime=fact.millesime,
        claim_id=void.claim_id,
        tickets=fact.tickets,
        amount_cents=fact.amount_cents,
        venue=fact.venue,
        terminal=void.terminal,
        signed_at=void.signed_at,
    )
    return Accepted(((void.stream, voided),))


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


def _opens(carnet: Carnet, codes: Mapping[int, str], at: Situation) -> bool:
    """Whether every code is the one its ticket was issued with."""
    digests = carnet.issued.digests
    pepper = at.peppers.get(carnet.issued.pepper_id)
    if pepper is None:
        return False
    for ticket, code in codes.items():
        if not 1 <= ticket <= len(digests):
            return False
        if not compare_digest(pepper.digest(code), digests[ticket - 1]):
            return False
    return True


def _versions(carnet: Carnet, tickets: Collection[int]) -> list[int]:
    """The versions of the rules that these tickets were handed out under, oldest first.

    0 stands for a ticket that was not handed out. What is refused whatever the rules say names
    the oldest.
    """
    return sorted({carnet.assigned.get(ticket, 0) for ticket in tickets})


def _accepts(area: AcceptanceArea, venue: VenueRegistered) -> bool:
    match area.kind:
        case "national":
            return True
        case "regions":
            return venue.region in area.codes
        case "departments":
            return venue.department in area.codes
        case "venues":
            return venue.venue in area.codes


def _already_redeemed(carnet: Carnet, claim: TerminalCommand, version: int) -> Refusal:
    """With the time, never with the other venue (E29)."""
    taken_at = min(carnet.redeemed[t] for t in claim.codes if t in carnet.redeemed)
    told: dict[str, str | int] = {
        "carnet": carnet.id,
        "redeemed_at": taken_at.isoformat().replace("+00:00", "Z"),
    }
    return Refusal(Reason.TICKET_ALREADY_REDEEMED, version or None, told)


def _refuse(reason: Reason, carnet: Carnet, version: int) -> Refusal:
    return Refusal(reason, version or None, {"carnet": carnet.id})
