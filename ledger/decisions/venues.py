"""Venues: registered, qualified, suspended. All of it is reference data."""

from datetime import date

from ledger.decisions.situation import Accepted, Command, Decision, Situation, require
from ledger.facts import (
    QualificationWithdrawn,
    VenueFact,
    VenueQualified,
    VenueRegistered,
    VenueResumed,
    VenueSuspended,
)
from ledger.values.ids import StreamId, VenueId, venue_stream
from ledger.values.reasons import Reason, Refusal


class VenueCommand(Command, frozen=True, kw_only=True):
    """A command about a venue that is known."""

    venue: VenueId

    @property
    def stream(self) -> StreamId:
        return venue_stream(self.venue)

    def decide(self, at: Situation) -> Decision:
        if self.venue not in at.reference.venues:
            return Refusal(Reason.VENUE_UNKNOWN)
        return Accepted(((self.stream, self.fact()),))

    def fact(self) -> VenueFact:
        """What happens when the command is accepted."""
        raise NotImplementedError  # pragma: no cover


class RegisterVenue(VenueCommand, frozen=True, kw_only=True):
    """Make a venue known under its SIRET. It takes no ticket before it is qualified."""

    name: str
    region: str
    department: str

    def decide(self, at: Situation) -> Decision:
        if self.venue in at.reference.venues:
            return Refusal(Reason.VENUE_EXISTS)
        return Accepted(((self.stream, self.fact()),))

    def fact(self) -> VenueFact:
        return VenueRegistered(
            venue=self.venue, name=self.name, region=self.region, department=self.department
        )


class QualifyVenue(VenueCommand, frozen=True, kw_only=True):
    """Let a venue take tickets on these days (R40)."""

    first_day: date
    last_day: date | None
    authority: str

    def __post_init__(self) -> None:
        require(
            holds=self.last_day is None or self.first_day <= self.last_day,
            otherwise="last_day: not before first_day",
        )

    def fact(self) -> VenueFact:
        return VenueQualified(
            venue=self.venue,
            first_day=self.first_day,
            last_day=self.last_day,
            authority=self.authority,
        )


class WithdrawQualification(VenueCommand, frozen=True, kw_only=True):
    """End a venue's qualification; what it took before stays payable (E06)."""

    effective_on: date

    def fact(self) -> VenueFact:
        return QualificationWithdrawn(venue=self.venue, effective_on=self.effective_on)


class SuspendVenue(VenueCommand, frozen=True, kw_only=True):
    """Freeze the venue's payments (E06). Frozen again, it is for one more cause.

    It goes on taking tickets, but for those whose rules refuse suspended venues.
    """

    cause: str

    def fact(self) -> VenueFact:
        return VenueSuspended(venue=self.venue, cause=self.cause)


class ResumeVenue(VenueCommand, frozen=True, kw_only=True):
    """Let the venue's payments go on."""

    def decide(self, at: Situation) -> Decision:
        entry = at.reference.venues.get(self.venue)
        if entry is None:
            return Refusal(Reason.VENUE_UNKNOWN)
        if not entry.suspended:
            return Refusal(Reason.VENUE_NOT_SUSPENDED)
        return Accepted(((self.stream, self.fact()),))

    def fact(self) -> VenueFact:
        return VenueResumed(venue=self.venue)
