"""Facts of `venue:` and `terminal:` streams."""

from datetime import date, datetime

from ledger.facts.base import Fact
from ledger.values.ids import TerminalId, VenueId
from ledger.values.keys import KeyAlgorithm


class VenueRegistered(Fact, frozen=True, tag="venue.registered.v1"):
    """A venue is known. It takes no ticket before it is qualified."""

    venue: VenueId
    name: str  # as its bank knows it
    region: str  # INSEE codes, for acceptance areas
    department: str


class VenueQualified(Fact, frozen=True, tag="venue.qualified.v1"):
    """The venue may take tickets on these days (in each programme's own zone)."""

    venue: VenueId
    first_day: date
    last_day: date | None  # inclusive; None: until withdrawn
    authority: str  # who granted it


class QualificationWithdrawn(Fact, frozen=True, tag="venue.qualification-withdrawn.v1"):
    """From `effective_on` on the venue takes no more tickets; what it took stays payable."""

    venue: VenueId
    effective_on: date


class VenueSuspended(Fact, frozen=True, tag="venue.suspended.v1"):
    """Payments to the venue are frozen. What it earned is not lost.

    Whether it goes on taking tickets is for the rules to say under which they were handed out.
    """

    venue: VenueId
    cause: str


class VenueResumed(Fact, frozen=True, tag="venue.resumed.v1"):
    """Payments to the venue go on."""

    venue: VenueId


class TerminalInvited(Fact, frozen=True, tag="terminal.invited.v1"):
    """A one-time code was made for a device of the venue."""

    terminal: TerminalId
    venue: VenueId
    label: str
    invitation_digest: str  # SHA-256 of the code, hexadecimal
    expires_at: datetime


class TerminalEnrolled(Fact, frozen=True, tag="terminal.enrolled.v1"):
    """The device showed the code and proved that it holds this key."""

    terminal: TerminalId
    venue: VenueId
    algorithm: KeyAlgorithm
    public_key: str  # base64url: 32 bytes, or an uncompressed point of 65
    fingerprint: str  # SHA-256 of the key, first 16 hexadecimal digits


class TerminalRevoked(Fact, frozen=True, tag="terminal.revoked.v1"):
    """The device redeems nothing after this position, on any host."""

    terminal: TerminalId
    venue: VenueId
    cause: str


class KeyRolled(Fact, frozen=True, tag="terminal.key-rolled.v1"):
    """The device replaced its key; sessions of the old one are over."""

    terminal: TerminalId
    venue: VenueId
    algorithm: KeyAlgorithm
    public_key: str
    fingerprint: str


VenueFact = (
    VenueRegistered | VenueQualified | QualificationWithdrawn | VenueSuspended | VenueResumed
)
TerminalFact = TerminalInvited | TerminalEnrolled | TerminalRevoked | KeyRolled
