"""Reference data: what any decision may rely on, folded into memory from the log.

Programmes and their rules, holders, venues, terminals, cutoffs. The append checks that nothing of
it has changed since; so no redemption stands behind its terminal's revocation in the log, whichever
host decided it.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from ledger.facts import (
    AnyFact,
    CutoffFixed,
    HolderRegistered,
    KeyAlgorithm,
    KeyRolled,
    OriginStarted,
    PaymentRunClosed,
    ProgrammeClosed,
    ProgrammeOpened,
    QualificationWithdrawn,
    ReferenceFact,
    Rules,
    RulesPublished,
    TerminalEnrolled,
    TerminalInvited,
    TerminalRevoked,
    VenueQualified,
    VenueRegistered,
    VenueResumed,
    VenueSuspended,
)
from ledger.values.ids import HolderId, ProgrammeId, RunId, TerminalId, VenueId


@dataclass(frozen=True, slots=True)
class ProgrammeEntry:
    """A programme as others rely on it."""

    opened: ProgrammeOpened
    rules: tuple[Rules, ...] = ()  # version n at index n - 1
    closed: bool = False

    @property
    def rule_version(self) -> int:
        """The version in force, or 0 where none is published."""
        return len(self.rules)


@dataclass(frozen=True, slots=True)
class VenueEntry:
    """A venue: where it is, when it is qualified, whether its payments are frozen."""

    registered: VenueRegistered
    qualified: tuple[tuple[date, date | None], ...] = ()  # both days inclusive
    suspended: bool = False  # its payments are frozen; the rules say whether it takes tickets

    def is_qualified(self, day: date) -> bool:
        """Whether the venue may take tickets on `day`."""
        for first, last in self.qualified:  # noqa: SIM110 (quicker; each claim asks)
            if first <= day and (last is None or day <= last):
                return True
        return False

    def qualified_before(self, end: date) -> tuple[tuple[date, date | None], ...]:
        """The spans without the days from `end` on."""
        before = end - timedelta(days=1)
        return tuple(
            (first, before if last is None or last > before else last)
            for first, last in self.qualified
            if first < end
        )


@dataclass(frozen=True, slots=True)
class TerminalEntry:
    """A device: its venue, and its key once it is enrolled."""

    venue: VenueId
    invitation_digest: str
    expires_at: datetime
    algorithm: KeyAlgorithm | None = None
    public_key: str = ""
    fingerprint: str = ""  # empty: invited, not enrolled
    revoked: bool = False


@dataclass(slots=True)
class Reference:
    """All reference data at a position. A batch that adds to it works on a copy."""

    position: int = 0  # of the last reference fact folded in
    origin: OriginStarted | None = None
    programmes: dict[ProgrammeId, ProgrammeEntry] = field(default_factory=dict)
    holders: dict[HolderId, HolderRegistered] = field(default_factory=dict)
    venues: dict[VenueId, VenueEntry] = field(default_factory=dict)
    terminals: dict[TerminalId, TerminalEntry] = field(default_factory=dict)
    cutoff: int = 0  # position of the last CutoffFixed whose run pays, or may still pay
    cutoff_before: int = 0  # and of the one before it, which holds again if that run pays nothing
    runs: frozenset[RunId] = frozenset()
    open_run: RunId | None = None

    def copy(self) -> "Reference":
        return replace(
            self,
            programmes=dict(self.programmes),
            holders=dict(self.holders),
            venues=dict(self.venues),
            terminals=dict(self.terminals),
        )

    @property
    def clock_offset(self) -> timedelta:
        """How far a demo ledger's clock is moved."""
        return timedelta(seconds=self.origin.clock_offset_seconds if self.origin else 0)

    def fold(self, fact: AnyFact, position: int) -> None:
        """Add one fact, at its position.

        Raises:
            ValueError: the fact is not reference data.
        """
        if not isinstance(fact, ReferenceFact):
            raise ValueError(f"{type(fact).__name__} is not reference data")  # noqa: TRY004
        self.position = position
        match fact:
            case OriginStarted():
                self.origin = fact
            case ProgrammeOpened():
                self.programmes[fact.programme] = ProgrammeEntry(fact)
            case RulesPublished():
                known = self.programmes[fact.programme]
                self.programmes[fact.programme] = replace(known, rules=(*known.rules, fact.rules))
            case ProgrammeClosed():
                known = self.programmes[fact.programme]
                self.programmes[fact.programme] = replace(known, closed=True)
            case HolderRegistered():
                self.holders[fact.holder] = fact
            case VenueRegistered():
                self.venues[fact.venue] = VenueEntry(fact)
            case VenueQualified():
                venue = self.venues[fact.venue]
                spans = (*venue.qualified, (fact.first_day, fact.last_day))
                self.venues[fact.venue] = replace(venue, qualified=spans)
            case QualificationWithdrawn():
                venue = self.venues[fact.venue]
                kept = venue.qualified_before(fact.effective_on)
                self.venues[fact.venue] = replace(venue, qualified=kept)
            case VenueSuspended():
                self.venues[fact.venue] = replace(self.venues[fact.venue], suspended=True)
            case VenueResumed():
                self.venues[fact.venue] = replace(self.venues[fact.venue], suspended=False)
            case TerminalInvited():
                self.terminals[fact.terminal] = TerminalEntry(
                    fact.venue, fact.invitation_digest, fact.expires_at
                )
            case TerminalEnrolled() | KeyRolled():
                self.terminals[fact.terminal] = replace(
                    self.terminals[fact.terminal],
                    algorithm=fact.algorithm,
                    public_key=fact.public_key,
                    fingerprint=fact.fingerprint,
                )
            case TerminalRevoked():
                self.terminals[fact.terminal] = replace(self.terminals[fact.terminal], revoked=True)
            case CutoffFixed():
                self.cutoff_before, self.cutoff = self.cutoff, position
                self.runs |= {fact.run}
                self.open_run = fact.run
            case PaymentRunClosed():
                self.open_run = None
                if fact.withdrawn and fact.transfers == 0:
                    self.cutoff = self.cutoff_before
