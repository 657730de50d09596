"""By chance, from what there is: what everybody who asks for something draws on."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from ledger.decisions.carnets import Carnet
from ledger.facts import CarnetIssued, TerminalRevoked
from ledger.values.ids import (
    HolderId,
    ProgrammeId,
    TerminalId,
    VenueId,
    carnet_stream,
    derived_id,
    is_siret,
)
from tests.builders.world import PROGRAMME, REGION
from tests.simulation.audit import Audit

CHILD = ProgrammeId("DEP25")  # draws on PROGRAMME
PROGRAMMES = (PROGRAMME, CHILD)
MILLESIMES = (2022, 2023)  # the first one's tickets expire in the middle of things
SIZE = 5
HOT = 8  # carnets that most claims are about
RECENT = 60  # carnets that work goes on with
VENUES = tuple(
    VenueId(f"2125005650{n:03d}{check}")
    for n in range(6)
    for check in range(10)
    if is_siret(f"2125005650{n:03d}{check}")
)
HOLDERS = (REGION, HolderId("mairie-a"), HolderId("mairie-b"))

T = TypeVar("T")


class Drawing:
    """What all who draw commands share: chance, and what the auditor knows."""

    def __init__(self, chance: Random, audit: Audit) -> None:
        self.chance = chance
        self.audit = audit
        self.just_revoked: list[TerminalId] = []  # each of them asks once more
        self._made = 0
        self._known = 0  # events that were looked through
        self._carnets: list[CarnetIssued] = []

    def look(self) -> None:
        """Take note of what came to be since."""
        events = self.audit.ledger.events
        for event in events[self._known :]:
            if isinstance(event.fact, CarnetIssued):
                self._carnets.append(event.fact)
            if isinstance(event.fact, TerminalRevoked):
                self.just_revoked.append(event.fact.terminal)
        self._known = len(events)

    def new_id(self) -> str:
        self._made += 1
        return derived_id("asked", self._made)

    def one(self, of: Sequence[T]) -> T | None:
        return self.chance.choice(of) if of else None

    def often(self, probability: float) -> bool:
        return self.chance.random() < probability

    def carnet(self) -> Carnet | None:
        """A carnet that somebody holds; most of the time one of the few at the counters now."""
        if self.often(0.93):
            recent = [c for c in self.recent() if c.assigned and len(c.redeemed) < c.size]
            if recent:
                return self.chance.choice(recent[:HOT])
        issued = self.one(self._carnets)
        return None if issued is None else self.state(issued)

    def recent(self) -> list[Carnet]:
        """Those that work goes on with."""
        return [self.state(issued) for issued in self._carnets[-RECENT:]]

    def state(self, issued: CarnetIssued) -> Carnet:
        found: Carnet = self.audit.ledger.streams[carnet_stream(issued.carnet)]
        return found
