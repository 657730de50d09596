"""Terminals: invited, enrolled, revoked, their keys rolled. All of it is reference data.

The proof that a device holds its key is checked before the command is made (`ledger.service`).
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from ledger.decisions.reference import TerminalEntry
from ledger.decisions.situation import Accepted, Command, Decision, Situation
from ledger.facts import (
    Event,
    KeyAlgorithm,
    KeyRolled,
    TerminalEnrolled,
    TerminalFact,
    TerminalInvited,
    TerminalRevoked,
)
from ledger.values.ids import StreamId, TerminalId, VenueId, terminal_stream
from ledger.values.reasons import Reason, Refusal

# A key is reference data, which every writer reads and keeps: a device that rolled without end
# would slow the start of all of them, for ever.
ROLLS: Final = 3
ROLLS_WITHIN: Final = timedelta(days=1)


@dataclass(slots=True)
class Keys:
    """The keys that a device has had, and when it replaced them: the last times that count."""

    fingerprints: set[str] = field(default_factory=set)
    rolled_at: deque[datetime] = field(default_factory=lambda: deque(maxlen=ROLLS))

    def may_roll(self, now: datetime) -> bool:
        """Whether the device may replace its key once more."""
        return len(self.rolled_at) < ROLLS or now - self.rolled_at[0] >= ROLLS_WITHIN


def evolve(keys: Keys | None, event: Event, fact: TerminalFact, position: int) -> Keys:
    """Fold one event in. What else is known of a device is reference data."""
    keys = keys or Keys()
    match fact:
        case TerminalEnrolled():
            keys.fingerprints.add(fact.fingerprint)
        case KeyRolled():
            keys.fingerprints.add(fact.fingerprint)
            keys.rolled_at.append(event.recorded_at)
        case TerminalInvited() | TerminalRevoked():
            pass
    return keys


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
    """Replace the device's key; sessions of the old one are over.

    For good: a session is known by its key alone, so a key that came back would revive them.
    """

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
        keys: Keys = at.streams[self.stream]
        if self.fingerprint in keys.fingerprints:
            return Refusal(Reason.KEY_USED)
        if not keys.may_roll(at.now):
            return Refusal(Reason.TOO_MANY_ROLLS)
        rolled = KeyRolled(
            terminal=self.terminal,
            venue=entry.venue,
            algorithm=self.algorithm,
            public_key=self.public_key,
            fingerprint=self.fingerprint,
        )
        return Accepted(((self.stream, rolled),))
