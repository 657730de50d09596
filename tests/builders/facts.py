"""A valid example of every fact, named in the past participle; arguments are what differs."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from hashlib import sha256

from ledger.decisions import clearing
from ledger.facts import (
    CarnetActivated,
    CarnetAssigned,
    CarnetIssued,
    CarnetsIssued,
    CarnetsOrdered,
    CarnetTransferred,
    CutoffFixed,
    EnvelopeDrawn,
    Event,
    FundingCommitted,
    FundingOrdered,
    FundingReceived,
    HolderRegistered,
    KeyRolled,
    OriginStarted,
    PaymentRunApproved,
    PaymentRunClosed,
    PaymentRunDrafted,
    PaymentRunPartPaid,
    PaymentRunSubmitted,
    ProgrammeClosed,
    ProgrammeOpened,
    QualificationWithdrawn,
    RedemptionVoided,
    Rules,
    RulesPublished,
    TerminalEnrolled,
    TerminalInvited,
    TerminalRevoked,
    TicketsActivated,
    TicketsRedeemed,
    VenueQualified,
    VenueRegistered,
    VenueReimbursed,
    VenueResumed,
    VenueSuspended,
)
from ledger.values.codes import make_codes
from ledger.values.ids import (
    ClaimId,
    HolderId,
    ProgrammeId,
    RunId,
    VenueId,
    carnet_id,
    carnet_stream,
    derived_id,
    end_to_end_id,
)
from ledger.values.money import Cents
from tests.builders.placing import recorded
from tests.builders.world import (
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
    PEPPERS,
    PROGRAMME,
    REGION,
    RUN,
    SEED,
    TERMINAL,
    TOWN_HALL,
    VENUE,
    with_changes,
)

LINES = (clearing.RunLine(VENUE, Cents(1000)),)
DIGESTS = tuple(clearing.part_digest(part) for part in clearing.parts_of(LINES))


def ledger_started(**changes: object) -> OriginStarted:
    peppers = {name: pepper.fingerprint for name, pepper in PEPPERS.items()}
    return with_changes(OriginStarted(demo=False, peppers=peppers), changes)


def rules(**changes: object) -> Rules:
    return with_changes(
        Rules(sizes=(5, 10), face_value_cents=Cents(1000), millesimes=(2022, 2023)), changes
    )


def programme_opened(**changes: object) -> ProgrammeOpened:
    example = ProgrammeOpened(
        programme=PROGRAMME,
        name="Pass numérique Bourgogne-Franche-Comté",
        zone="Europe/Paris",
        cap_tickets=45_000,
        shares={"region": 60, "state": 40},
    )
    return with_changes(example, changes)


def rules_published(version: int = 1, **changes: object) -> RulesPublished:
    """Publish the example rules with these changes."""
    return RulesPublished(programme=PROGRAMME, rule_version=version, rules=rules(**changes))


def programme_closed(programme: ProgrammeId = PROGRAMME) -> ProgrammeClosed:
    return ProgrammeClosed(programme=programme)


def holder_registered(holder: HolderId = REGION) -> HolderRegistered:
    return HolderRegistered(holder=holder, name="Région")


def start_of(millesime: int) -> datetime:
    return datetime(millesime - 1, 12, 31, 23, tzinfo=UTC)  # midnight in Paris, in winter


def end_of(millesime: int) -> datetime:
    return datetime(millesime + 1, 1, 31, 23, tzinfo=UTC)


def carnets_ordered(**changes: object) -> CarnetsOrdered:
    example = CarnetsOrdered(
        programme=PROGRAMME,
        order=ORDER,
        millesime=MILLESIME,
        carnets=4,
        size=5,
        first_number=1,
        face_value_cents=Cents(1000),
        valid_from=start_of(MILLESIME),
        valid_until=end_of(MILLESIME),
        rule_version=1,
        holder=REGION,
    )
    return with_changes(example, changes)


def carnets_issued(**changes: object) -> CarnetsIssued:
    example = CarnetsIssued(programme=PROGRAMME, order=ORDER, first_number=1, carnets=2)
    return with_changes(example, changes)


def envelope_drawn(**changes: object) -> EnvelopeDrawn:
    example = EnvelopeDrawn(
        programme=PROGRAMME, drawn_by=ProgrammeId("LYC22"), order=ORDER, tickets=20
    )
    return with_changes(example, changes)


def funding_committed(**changes: object) -> FundingCommitted:
    example = FundingCommitted(
        programme=PROGRAMME,
        millesime=MILLESIME,
        reference="EJ-2022-0042",
        cents={"region": Cents(12_000), "state": Cents(8_000)},
    )
    return with_changes(example, changes)


def funding_ordered(**changes: object) -> FundingOrdered:
    example = FundingOrdered(
        programme=PROGRAMME,
        millesime=MILLESIME,
        reference="mandat 1234",
        cents={"region": Cents(12_000), "state": Cents(8_000)},
    )
    return with_changes(example, changes)


def funding_received(**changes: object) -> FundingReceived:
    example = FundingReceived(
        programme=PROGRAMME,
        millesime=MILLESIME,
        reference="BANK-0001",
        cents={"region": Cents(12_000), "state": Cents(8_000)},
    )
    return with_changes(example, changes)


def tickets_activated(**changes: object) -> TicketsActivated:
    example = TicketsActivated(
        programme=PROGRAMME,
        millesime=MILLESIME,
        first_carnet=carnet_id(PROGRAMME, 1),
        carnets=1,
        tickets=5,
        amount_cents=Cents(5_000),
        cents={"region": Cents(3_000), "state": Cents(2_000)},
    )
    return with_changes(example, changes)


def digests_of(number: int, size: int, programme: str = PROGRAMME) -> tuple[str, ...]:
    codes = make_codes(SEED, programme, number, size)
    return tuple(PEPPERS["2022"].digest(code) for code in codes)


def issued(
    number: int = 1,
    *,
    size: int = 5,
    programme: ProgrammeId = PROGRAMME,
    millesime: int = MILLESIME,
    **changes: object,
) -> CarnetIssued:
    example = CarnetIssued(
        carnet=carnet_id(programme, number),
        programme=programme,
        millesime=millesime,
        order=ORDER,
        face_value_cents=Cents(1000),
        valid_from=start_of(millesime),
        valid_until=end_of(millesime),
        pepper_id="2022",
        digests=digests_of(number, size, programme),
        holder=REGION,
    )
    return with_changes(example, changes)


def activated(number: int = 1, **changes: object) -> CarnetActivated:
    example = CarnetActivated(
        carnet=carnet_id(PROGRAMME, number), programme=PROGRAMME, millesime=MILLESIME, tickets=5
    )
    return with_changes(example, changes)


def transferred(number: int = 1, **changes: object) -> CarnetTransferred:
    example = CarnetTransferred(
        carnet=carnet_id(PROGRAMME, number), sender=REGION, receiver=TOWN_HALL
    )
    return with_changes(example, changes)


def assigned(number: int = 1, **changes: object) -> CarnetAssigned:
    example = CarnetAssigned(
        carnet=carnet_id(PROGRAMME, number),
        tickets=(1, 2, 3, 4, 5),
        beneficiary=BENEFICIARY,
        holder=REGION,
        rule_version=1,
    )
    return with_changes(example, changes)


def redeemed(
    *tickets: int, number: int = 1, claim: str = CLAIM, terminal: str = TERMINAL, **changes: object
) -> Event:
    """A redemption in its place: the carnet is its stream, the claim's id its command's."""
    taken = tickets or (1,)
    example = TicketsRedeemed(
        programme=PROGRAMME,
        millesime=MILLESIME,
        tickets=taken,
        amount_cents=Cents(1000 * len(taken)),
        venue=VENUE,
        sequence=1,
        signed_at=int(NOW.timestamp()),
        served_at=NOW,
        served_on=date(2022, 6, 1),
    )
    return recorded(
        with_changes(example, changes),
        stream=carnet_stream(carnet_id(PROGRAMME, number)),
        command_id=claim,
        actor=f"terminal:{terminal}",
    )


def voided(*tickets: int, number: int = 1, claim: str = CLAIM, **changes: object) -> Event:
    taken = tickets or (1,)
    example = RedemptionVoided(
        programme=PROGRAMME,
        millesime=MILLESIME,
        claim_id=ClaimId(claim),
        tickets=taken,
        amount_cents=Cents(1000 * len(taken)),
        venue=VENUE,
        terminal=TERMINAL,
        signed_at=int(NOW.timestamp()),
    )
    return recorded(
        with_changes(example, changes),
        stream=carnet_stream(carnet_id(PROGRAMME, number)),
        command_id=derived_id("void", claim),
        actor=f"terminal:{TERMINAL}",
    )


def venue_registered(**changes: object) -> VenueRegistered:
    example = VenueRegistered(
        venue=VENUE, name="Médiathèque de Besançon", region="27", department="25"
    )
    return with_changes(example, changes)


def venue_qualified(**changes: object) -> VenueQualified:
    example = VenueQualified(
        venue=VENUE,
        first_day=date(2022, 1, 1),
        last_day=date(2023, 12, 31),
        authority="préfecture du Doubs",
    )
    return with_changes(example, changes)


def qualification_withdrawn(**changes: object) -> QualificationWithdrawn:
    example = QualificationWithdrawn(venue=VENUE, effective_on=date(2022, 5, 1))
    return with_changes(example, changes)


def venue_suspended(venue: VenueId = VENUE) -> VenueSuspended:
    return VenueSuspended(venue=venue, cause="tape does not match")


def venue_resumed(venue: VenueId = VENUE) -> VenueResumed:
    return VenueResumed(venue=venue)


def terminal_invited(**changes: object) -> TerminalInvited:
    example = TerminalInvited(
        terminal=TERMINAL,
        venue=VENUE,
        label="accueil",
        invitation_digest=sha256(INVITATION.encode()).hexdigest(),
        expires_at=INVITED_UNTIL,
    )
    return with_changes(example, changes)


def terminal_enrolled(**changes: object) -> TerminalEnrolled:
    example = TerminalEnrolled(
        terminal=TERMINAL,
        venue=VENUE,
        algorithm="ed25519",
        public_key=KEY,
        fingerprint=FINGERPRINT,
    )
    return with_changes(example, changes)


def terminal_revoked(**changes: object) -> TerminalRevoked:
    return with_changes(TerminalRevoked(terminal=TERMINAL, venue=VENUE, cause="stolen"), changes)


def key_rolled(**changes: object) -> KeyRolled:
    example = KeyRolled(
        terminal=TERMINAL,
        venue=VENUE,
        algorithm="ed25519",
        public_key=NEW_KEY,
        fingerprint=NEW_FINGERPRINT,
    )
    return with_changes(example, changes)


def cutoff_fixed(run: RunId = RUN) -> CutoffFixed:
    return CutoffFixed(run=run)


def run_drafted(*, cutoff: int = 1, parts: Iterable[str] = DIGESTS) -> PaymentRunDrafted:
    """A draft whose digest fits it. `cutoff` is the position of its CutoffFixed."""
    digests = tuple(parts)
    return PaymentRunDrafted(
        run=RUN,
        cutoff=cutoff,
        transfers=1,
        amount_cents=Cents(1000),
        held_transfers=0,
        part_digests=digests,
        digest=clearing.run_digest(RUN, cutoff, 1, 1000, digests),
    )


def run_submitted(*, cutoff: int = 1, parts: Iterable[str] = DIGESTS) -> PaymentRunSubmitted:
    """`recorded` makes OPERATOR the submitter."""
    return PaymentRunSubmitted(run=RUN, digest=run_drafted(cutoff=cutoff, parts=parts).digest)


def run_approved(*, cutoff: int = 1, parts: Iterable[str] = DIGESTS) -> PaymentRunApproved:
    digest = run_drafted(cutoff=cutoff, parts=parts).digest
    return PaymentRunApproved(run=RUN, digest=digest, submitter=OPERATOR)


def part_paid(**changes: object) -> PaymentRunPartPaid:
    example = PaymentRunPartPaid(
        run=RUN, part=0, transfers=1, amount_cents=Cents(1000), held_transfers=0
    )
    return with_changes(example, changes)


def run_closed(run: RunId = RUN) -> PaymentRunClosed:
    return PaymentRunClosed(run=run, transfers=1, amount_cents=Cents(1000))


def run_withdrawn(run: RunId = RUN) -> PaymentRunClosed:
    """Closed before anything left."""
    return PaymentRunClosed(run=run, transfers=0, amount_cents=Cents(0), withdrawn=True)


def venue_reimbursed(**changes: object) -> VenueReimbursed:
    example = VenueReimbursed(
        run=RUN,
        end_to_end_id=end_to_end_id(RUN, VENUE),
        venue=VENUE,
        amount_cents=Cents(1000),
    )
    return with_changes(example, changes)
