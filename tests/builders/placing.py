"""Facts in their places: the events of a log."""

from datetime import datetime

from ledger.facts import (
    AnyFact,
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
from ledger.values.ids import (
    LOG_STREAM,
    StreamId,
    carnet_id,
    carnet_stream,
    funding_stream,
    holder_stream,
    programme_stream,
    run_stream,
    terminal_stream,
    transfer_stream,
    venue_stream,
)
from tests.builders.world import NOW, OPERATOR, PROGRAMME


def stream_of(fact: AnyFact) -> StreamId:
    """The stream that a fact names. A redemption does not name its own: see `redeemed`."""
    match fact:
        case OriginStarted():
            return LOG_STREAM
        case FundingCommitted() | FundingOrdered() | FundingReceived() | TicketsActivated():
            return funding_stream(fact.programme, fact.millesime)
        case CarnetIssued() | CarnetActivated() | CarnetTransferred() | CarnetAssigned():
            return carnet_stream(fact.carnet)
        case TicketsRedeemed() | RedemptionVoided():
            return carnet_stream(carnet_id(PROGRAMME, 1))
        case HolderRegistered():
            return holder_stream(fact.holder)
        case TerminalInvited() | TerminalEnrolled() | TerminalRevoked() | KeyRolled():
            return terminal_stream(fact.terminal)
        case VenueReimbursed():
            return transfer_stream(fact.end_to_end_id)
        case (
            VenueRegistered()
            | VenueQualified()
            | QualificationWithdrawn()
            | VenueSuspended()
            | VenueResumed()
        ):
            return venue_stream(fact.venue)
        case (
            CutoffFixed()
            | PaymentRunDrafted()
            | PaymentRunSubmitted()
            | PaymentRunApproved()
            | PaymentRunPartPaid()
            | PaymentRunClosed()
        ):
            return run_stream(fact.run)
        case (
            ProgrammeOpened()
            | RulesPublished()
            | CarnetsOrdered()
            | CarnetsIssued()
            | EnvelopeDrawn()
            | ProgrammeClosed()
        ):
            return programme_stream(fact.programme)


def recorded(
    fact: AnyFact,
    *,
    stream: StreamId | None = None,
    command_id: str = "earlier",
    actor: str = OPERATOR,
    at: datetime = NOW,
) -> Event:
    """A fact in its place; `Log` gives it its version."""
    return Event(
        stream=stream or stream_of(fact),
        version=1,
        recorded_at=at,
        command_id=command_id,
        actor=actor,
        fact=fact,
    )
