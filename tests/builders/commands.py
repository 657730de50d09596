"""A valid example of every command, named in the imperative; arguments are what differs."""

from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256

from ledger.decisions import clearing, funding, programmes, redemption, stock, terminals, venues
from ledger.values.codes import TicketCode, make_codes, parse_code
from ledger.values.ids import (
    CarnetId,
    ProgrammeId,
    RunId,
    StreamId,
    carnet_id,
    derived_id,
)
from ledger.values.money import Cents
from tests.builders.facts import DIGESTS, LINES, digests_of, rules, run_drafted
from tests.builders.world import (
    APPROVER,
    BENEFICIARY,
    CLAIM,
    FINGERPRINT,
    INVITATION,
    INVITED_UNTIL,
    KEY,
    MILLESIME,
    NEW_FINGERPRINT,
    NEW_KEY,
    NOW,
    OPERATOR,
    ORDER,
    PROGRAMME,
    REGION,
    RUN,
    SEED,
    TERMINAL,
    TOWN_HALL,
    VENUE,
    with_changes,
)


def start_ledger(**changes: object) -> programmes.StartLedger:
    example = programmes.StartLedger(command_id="start", actor=OPERATOR, demo=False)
    return with_changes(example, changes)


def open_programme(**changes: object) -> programmes.OpenProgramme:
    example = programmes.OpenProgramme(
        command_id="open",
        actor=OPERATOR,
        programme=PROGRAMME,
        name="Pass numérique Bourgogne-Franche-Comté",
        zone="Europe/Paris",
        cap_tickets=45_000,
        shares={"region": 60, "state": 40},
    )
    return with_changes(example, changes)


def publish_rules(version: int = 1, **changes: object) -> programmes.PublishRules:
    """Publish the example rules with these changes."""
    return programmes.PublishRules(
        command_id=f"publish-{version}",
        actor=OPERATOR,
        programme=PROGRAMME,
        rule_version=version,
        rules=rules(**changes),
    )


def close_programme(**changes: object) -> programmes.CloseProgramme:
    example = programmes.CloseProgramme(command_id="close", actor=OPERATOR, programme=PROGRAMME)
    return with_changes(example, changes)


def register_holder(**changes: object) -> programmes.RegisterHolder:
    example = programmes.RegisterHolder(
        command_id="holder", actor=OPERATOR, holder=REGION, name="Région"
    )
    return with_changes(example, changes)


def order_carnets(**changes: object) -> programmes.OrderCarnets:
    example = programmes.OrderCarnets(
        command_id="order",
        actor=OPERATOR,
        programme=PROGRAMME,
        order=ORDER,
        millesime=MILLESIME,
        carnets=4,
        size=5,
        holder=REGION,
    )
    return with_changes(example, changes)


def record_funding(**changes: object) -> funding.RecordFunding:
    example = funding.RecordFunding(
        command_id="funding",
        actor=OPERATOR,
        programme=PROGRAMME,
        millesime=MILLESIME,
        stage="cash",
        reference="BANK-0001",
        cents={"region": Cents(12_000), "state": Cents(8_000)},
    )
    return with_changes(example, changes)


def serials(*numbers: int) -> tuple[CarnetId, ...]:
    return tuple(carnet_id(PROGRAMME, number) for number in numbers or (1,))


def activate(*numbers: int, **changes: object) -> funding.ActivateCarnets:
    example = funding.ActivateCarnets(
        command_id="activate",
        actor=OPERATOR,
        programme=PROGRAMME,
        millesime=MILLESIME,
        carnets=serials(*numbers),
    )
    return with_changes(example, changes)


def issue(
    first: int = 1, *, carnets: int = 2, size: int = 5, **changes: object
) -> stock.IssueCarnets:
    example = stock.IssueCarnets(
        command_id=f"issue-{first}",
        actor=OPERATOR,
        programme=PROGRAMME,
        order=ORDER,
        first_number=first,
        pepper_id="2022",
        digests=tuple(digests_of(number, size) for number in range(first, first + carnets)),
    )
    return with_changes(example, changes)


def transfer(*numbers: int, **changes: object) -> stock.TransferCarnets:
    example = stock.TransferCarnets(
        command_id="transfer",
        actor=OPERATOR,
        carnets=serials(*numbers),
        sender=REGION,
        receiver=TOWN_HALL,
    )
    return with_changes(example, changes)


def assign(number: int = 1, **changes: object) -> stock.AssignTickets:
    example = stock.AssignTickets(
        command_id="assign",
        actor=OPERATOR,
        carnet=carnet_id(PROGRAMME, number),
        holder=REGION,
        beneficiary=BENEFICIARY,
    )
    return with_changes(example, changes)


def code(ticket: int = 1, *, number: int = 1, programme: ProgrammeId = PROGRAMME) -> TicketCode:
    """The right code of a ticket that `issued` made."""
    return parse_code(make_codes(SEED, programme, number, ticket)[-1])


def wrong_code(ticket: int = 1, *, number: int = 1) -> TicketCode:
    """A well-formed code of the ticket with another secret."""
    return parse_code(make_codes(bytes(32), PROGRAMME, number, ticket)[-1])


def shown(
    codes: Sequence[TicketCode], tickets: Sequence[int], number: int
) -> tuple[StreamId, dict[int, str]]:
    """What the terminal reads: these codes, or the right ones of these tickets."""
    return redemption.one_carnet(codes or [code(t, number=number) for t in tickets or (1,)])


def redeem(
    *tickets: int, codes: Sequence[TicketCode] = (), number: int = 1, **changes: object
) -> redemption.RedeemTickets:
    stream, by_ticket = shown(codes, tickets, number)
    example = redemption.RedeemTickets(
        command_id=CLAIM,
        actor=f"terminal:{TERMINAL}",
        terminal=TERMINAL,
        fingerprint=FINGERPRINT,
        stream=stream,
        codes=by_ticket,
        sequence=1,
        signed_at=int(NOW.timestamp()),
    )
    return with_changes(example, changes)


def void(
    *tickets: int, codes: Sequence[TicketCode] = (), number: int = 1, **changes: object
) -> redemption.VoidRedemption:
    stream, by_ticket = shown(codes, tickets, number)
    example = redemption.VoidRedemption(
        command_id=derived_id("void", CLAIM),
        actor=f"terminal:{TERMINAL}",
        terminal=TERMINAL,
        fingerprint=FINGERPRINT,
        stream=stream,
        codes=by_ticket,
        claim_id=CLAIM,
        signed_at=int(NOW.timestamp()),
    )
    return with_changes(example, changes)


def check(
    *tickets: int, codes: Sequence[TicketCode] = (), number: int = 1, **changes: object
) -> redemption.CheckTickets:
    stream, by_ticket = shown(codes, tickets, number)
    example = redemption.CheckTickets(
        command_id="check",
        actor=f"terminal:{TERMINAL}",
        terminal=TERMINAL,
        fingerprint=FINGERPRINT,
        stream=stream,
        codes=by_ticket,
    )
    return with_changes(example, changes)


def register_venue(**changes: object) -> venues.RegisterVenue:
    example = venues.RegisterVenue(
        command_id="venue",
        actor=OPERATOR,
        venue=VENUE,
        name="Médiathèque de Besançon",
        region="27",
        department="25",
    )
    return with_changes(example, changes)


def qualify_venue(**changes: object) -> venues.QualifyVenue:
    example = venues.QualifyVenue(
        command_id="qualify",
        actor=OPERATOR,
        venue=VENUE,
        first_day=date(2022, 1, 1),
        last_day=date(2023, 12, 31),
        authority="préfecture du Doubs",
    )
    return with_changes(example, changes)


def withdraw_qualification(**changes: object) -> venues.WithdrawQualification:
    example = venues.WithdrawQualification(
        command_id="withdraw", actor=OPERATOR, venue=VENUE, effective_on=date(2022, 5, 1)
    )
    return with_changes(example, changes)


def suspend_venue(**changes: object) -> venues.SuspendVenue:
    example = venues.SuspendVenue(
        command_id="suspend", actor=OPERATOR, venue=VENUE, cause="tape does not match"
    )
    return with_changes(example, changes)


def resume_venue(**changes: object) -> venues.ResumeVenue:
    return with_changes(
        venues.ResumeVenue(command_id="resume", actor=OPERATOR, venue=VENUE), changes
    )


def invite_terminal(**changes: object) -> terminals.InviteTerminal:
    example = terminals.InviteTerminal(
        command_id="invitation-1",
        actor=OPERATOR,
        terminal=TERMINAL,
        venue=VENUE,
        label="accueil",
        invitation_digest=sha256(INVITATION.encode()).hexdigest(),
        expires_at=INVITED_UNTIL,
    )
    return with_changes(example, changes)


def enrol_terminal(**changes: object) -> terminals.EnrolTerminal:
    example = terminals.EnrolTerminal(
        command_id="enrol",
        actor=f"terminal:{TERMINAL}",
        terminal=TERMINAL,
        invitation=INVITATION,
        asked_at=INVITED_UNTIL - timedelta(seconds=1),
        algorithm="ed25519",
        public_key=KEY,
        fingerprint=FINGERPRINT,
    )
    return with_changes(example, changes)


def revoke_terminal(**changes: object) -> terminals.RevokeTerminal:
    example = terminals.RevokeTerminal(
        command_id="revoke", actor=OPERATOR, terminal=TERMINAL, cause="stolen"
    )
    return with_changes(example, changes)


def roll_key(**changes: object) -> terminals.RollKey:
    example = terminals.RollKey(
        command_id="roll",
        actor=f"terminal:{TERMINAL}",
        terminal=TERMINAL,
        replaces=FINGERPRINT,
        algorithm="ed25519",
        public_key=NEW_KEY,
        fingerprint=NEW_FINGERPRINT,
    )
    return with_changes(example, changes)


def fix_cutoff(run: RunId = RUN) -> clearing.FixCutoff:
    return clearing.FixCutoff(command_id=f"cutoff-{run}", actor=OPERATOR, run=run)


def draft_run(**changes: object) -> clearing.DraftRun:
    example = clearing.DraftRun(
        command_id="draft",
        actor=OPERATOR,
        run=RUN,
        cutoff=1,
        part_digests=DIGESTS,
        transfers=1,
        held_transfers=0,
        amount_cents=Cents(1000),
    )
    return with_changes(example, changes)


def submit_run(**changes: object) -> clearing.SubmitRun:
    return with_changes(clearing.SubmitRun(command_id="submit", actor=OPERATOR, run=RUN), changes)


def approve_run(**changes: object) -> clearing.ApproveRun:
    example = clearing.ApproveRun(
        command_id="approve",
        actor=APPROVER,
        run=RUN,
        digest=run_drafted().digest,
    )
    return with_changes(example, changes)


def withdraw_run(**changes: object) -> clearing.WithdrawRun:
    example = clearing.WithdrawRun(command_id="withdraw-run", actor=OPERATOR, run=RUN)
    return with_changes(example, changes)


def pay_part(**changes: object) -> clearing.PayPart:
    example = clearing.PayPart(command_id="pay-0", actor=OPERATOR, run=RUN, part=0, lines=LINES)
    return with_changes(example, changes)
