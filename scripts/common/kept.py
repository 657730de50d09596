"""Refusals as they are kept beside the log, and where the devices are that were refused."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from api.problems import PROBLEMS
from ledger.decisions.reference import Reference
from ledger.values.ids import TerminalId, VenueId
from ledger.values.reasons import Reason, Refusal
from scripts.common.reference import labels_of, reference_of
from scripts.common.refusals import RefusedError
from scripts.common.unknown import advice
from scripts.common.working import Views

# What a claim asks for has its id; so has a retry of it. A device is an actor by its name.
_DEVICE: Final = "terminal:"
_LATEST: Final = """
SELECT refused_at, command_id, actor, command, reason, rule_version, detail FROM refusals
WHERE (%(claim)s::text IS NULL OR command_id = %(claim)s)
  AND (%(actors)s::text[] IS NULL OR actor = ANY(%(actors)s))
  AND (%(carnet)s::text IS NULL OR detail->>'carnet' = %(carnet)s)
  AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(since)s::timestamptz IS NULL OR refused_at >= %(since)s)
ORDER BY id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal as it is kept beside the log."""

    refused_at: datetime
    command_id: str
    actor: str
    command: str
    reason: str
    rule_version: int | None
    detail: dict[str, Any]

    @property
    def titles(self) -> dict[str, str]:
        """The reason in words, as the terminal showed it; none for one of another version."""
        known = PROBLEMS.get(self.reason)
        return {} if known is None else {"title": known.title, "title_fr": known.title_fr}

    @property
    def terminal(self) -> TerminalId | None:
        """The device that asked, where one did."""
        is_device = self.actor.startswith(_DEVICE)
        return TerminalId(self.actor.removeprefix(_DEVICE)) if is_device else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device is, as far as the ledger knows it."""

    label: str | None = None
    venue: VenueId | None = None
    venue_name: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Devices and their venues."""

    reference: Reference
    labels: dict[TerminalId, str]

    def of(self, refused: Refused) -> Place:
        """Where the device is that was refused something."""
        terminal = refused.terminal
        entry = self.reference.terminals.get(terminal) if terminal else None
        if terminal is None or entry is None:
            return Place()
        name = self.reference.venues[entry.venue].registered.name
        return Place(self.labels[terminal], entry.venue, name)

    def devices_of(self, venue: VenueId) -> list[TerminalId]:
        """All devices that were ever invited by a venue.

        Raises:
            RefusedError: there is no such venue.
        """
        if venue not in self.reference.venues:
            reason = Reason.VENUE_UNKNOWN
            raise RefusedError(Refusal(reason), advice(reason, venue))
        return [name for name, each in self.reference.terminals.items() if each.venue == venue]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which refusals: those of which all of this holds."""

    limit: int
    claim: str | None = None
    carnet: str | None = None
    terminal: TerminalId | None = None
    venue: VenueId | None = None
    reason: Reason | None = None
    since: datetime | None = None

    def actors(self, places: Places) -> list[str] | None:
        """Whose; None for everybody's."""
        wanted: Collection[TerminalId] | None = None
        if self.venue is not None:
            wanted = places.devices_of(self.venue)
        if self.terminal is not None:
            wanted = {self.terminal} if wanted is None else {self.terminal}.intersection(wanted)
        return None if wanted is None else [_DEVICE + each for each in wanted]


async def latest(views: Views, wanted: Wanted) -> list[tuple[Refused, Place]]:
    """The latest refusals, latest first, and where their devices are.

    Raises:
        RefusedError: there is no such venue.
    """
    places = Places(await reference_of(views), await labels_of(views))
    cursor = views.connection.cursor(row_factory=class_row(Refused))
    asked = {
        "claim": wanted.claim,
        "carnet": wanted.carnet,
        "actors": wanted.actors(places),
        "reason": wanted.reason,
        "since": wanted.since,
        "limit": wanted.limit,
    }
    await cursor.execute(_LATEST, asked)
    return [(each, places.of(each)) for each in await cursor.fetchall()]
