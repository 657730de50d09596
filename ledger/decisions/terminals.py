"""Terminals: invited, enrolled, revoked, their keys rolled. All of it is reference data.

The proof that a device holds its key is checked before the command is made (`ledger.service`).
"""

from datetime import datetime
from hashlib import sha256

from ledger.decisions.reference import TerminalEntry
from ledger.decisions.situation import Accepted, Command, Decision, Situation
from ledger.facts import (
    KeyAlgorithm,
    KeyRolled,
    TerminalEnrolled,
    TerminalInvited,
    TerminalRevoked,
)
from ledger.values.ids import StreamId, TerminalId, VenueId, terminal_stream
from ledger.values.reasons import Reason, Refusal


class TerminalAct(Command, frozen=True, kw_only=True):
    """A command about one device."""

    terminal: TerminalId

    @property
    def stream(self) -> StreamId:
        return terminal_stream(self.terminal)

    def enrolled(self, at: Situation) -> TerminalEntry | Refusal:
        """The device, if it is enrolled and not revoked."""
        entry = at.reference.terminals.get(self.terminal)
        if entry is None or not entry.fingerprint:
            return Refusal(Reason.TERMINAL_UNKNOWN)
        if entry.revoked:
            return Refusal(Reason.TERMINAL_REVOKED)
        return entry


class InviteTerminal(TerminalAct, frozen=True, kw_only=True):
    """Make a one-time code for a device of a venue. The ledger keeps its digest."""

    venue: VenueId
    label: str
    invitation_digest: str
    expires_at: datetime  # a real instant: security does not follow a demo's clock

    def decide(self, at: Situation) -> Decision:
        if self.venue not in at.reference.venues:
            return Refusal(Reason.VENUE_UNKNOWN)
        if self.terminal in at.reference.terminals:
            return Refusal(Reason.INVITATION_USED)
        invited = TerminalInvited(
            terminal=self.terminal,
            venue=self.venue,
            label=self.label,
            invitation_digest=self.invitation_digest,
            expires_at=self.expires_at,
        )
        return Accepted(((self.stream, invited),))


class EnrolTerminal(TerminalAct, frozen=True, kw_only=True):
    """Bind a device's key to its invitation."""

    invitation: str  # the code as shown; never kept
    asked_at: datetime  # real, not the ledger's
    algorithm: KeyAlgorithm
    public_key: str
    fingerprint: str

    def request_digest(self) -> str:
        """Without the instant: a retry comes later than its first attempt."""
        told = f"{self.invitation}/{self.algorithm}/{self.public_key}"
        return sha256(told.encode()).hexdigest()[:24]

    def decide(self, at: Situation) -> Decision:
        entry = at.reference.terminals.get(self.terminal)
        digest = sha256(self.invitation.encode()).hexdigest()
        if entry is None or entry.invitation_digest != digest:
            return Refusal(Reason.INVITATION_UNKNOWN)
        if entry.fingerprint or entry.revoked:
            return Refusal(Reason.INVITATION_USED)
        if self.asked_at >= entry.expires_at:
            return Refusal(Reason.INVITATION_EXPIRED)
        enrolled = TerminalEnrolled(
            terminal=self.terminal,
            venue=entry.venue,
            algorithm=self.algorithm,
            public_key=self.public_key,
            fingerprint=self.fingerprint,
        )
        return Accepted(((self.stream, enrolled),))


class RevokeTerminal(TerminalAct, frozen=True, kw_only=True):
    """Let the device redeem nothing any more, from this position on."""

    cause: str

    def decide(self, at: Situation) -> Decision:
        entry = at.reference.terminals.get(self.terminal)
        if entry is None:
            return Refusal(Reason.TERMINAL_UNKNOWN)
        if entry.revoked:
            return Refusal(Reason.TERMINAL_REVOKED)
        revoked = TerminalRevoked(terminal=self.terminal, venue=entry.venue, cause=self.cause)
        return Accepted(((self.stream, revoked),))


class RollKey(TerminalAct, frozen=True, kw_only=True):
    """Replace the device's key; sessions of the old one are over."""

    replaces: str  # fingerprint of the key that asked for it
    algorithm: KeyAlgorithm
    public_key: str
    fingerprint: str

    def decide(self, at: Situation) -> Decision:
        entry = self.enrolled(at)
        if isinstance(entry, Refusal):
            return entry
        if entry.fingerprint != self.replaces:
            return Refusal(Reason.SESSION_ENDED)
        rolled = KeyRolled(
            terminal=self.terminal,
            venue=entry.venue,
            algorithm=self.algorithm,
            public_key=self.public_key,
            fingerprint=self.fingerprint,
        )
        return Accepted(((self.stream, rolled),))
