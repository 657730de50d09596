"""What operators ask for: venues and their devices."""

from datetime import date, timedelta

from ledger.decisions.reference import TerminalEntry
from ledger.decisions.situation import Command
from ledger.values.ids import TerminalId, terminal_id
from tests.builders import commands as build
from tests.builders.world import FINGERPRINT, INVITATION
from tests.simulation.drawing import VENUES, Drawing


class Venues:
    """Those who look after venues, and enrol and revoke devices."""

    def __init__(self, drawing: Drawing) -> None:
        self._draw = drawing

    def invite(self) -> Command | None:
        if len(self._draw.audit.ledger.reference.terminals) >= 40 and self._draw.often(0.8):
            return None
        made = self._draw.new_id()
        return build.invite_terminal(
            command_id=made, terminal=terminal_id(made), venue=self._draw.chance.choice(VENUES)
        )

    def enrol(self) -> Command | None:
        invited = [name for name, entry in self._terminals() if not entry.fingerprint]
        everybody = [name for name, _ in self._terminals()]
        name = self._draw.one(invited if invited and self._draw.often(0.9) else everybody)
        if name is None:
            return None
        made = self._draw.new_id()
        return build.enrol_terminal(
            command_id=made,
            actor=f"terminal:{name}",
            terminal=name,
            invitation=INVITATION,
            fingerprint=made.replace("-", "")[:16],
        )

    def roll(self) -> Command | None:
        if (found := self._draw.one(self._terminals())) is None:
            return None
        made = self._draw.new_id()
        return build.roll_key(
            command_id=made,
            actor=f"terminal:{found[0]}",
            terminal=found[0],
            replaces=found[1].fingerprint if self._draw.often(0.5) else FINGERPRINT,
            fingerprint=made.replace("-", "")[:16],
        )

    def revoke(self) -> Command | None:
        if (found := self._draw.one(self._terminals())) is None:
            return None
        return build.revoke_terminal(command_id=self._draw.new_id(), terminal=found[0])

    def qualify(self) -> Command:
        first = date(2023, 1, 1) + timedelta(days=self._draw.chance.randint(0, 60))
        return build.qualify_venue(
            command_id=self._draw.new_id(),
            venue=self._draw.chance.choice(VENUES),
            first_day=first,
            last_day=first + timedelta(days=self._draw.chance.randint(0, 300)),
        )

    def withdraw(self) -> Command:
        return build.withdraw_qualification(
            command_id=self._draw.new_id(),
            venue=self._draw.chance.choice(VENUES),
            effective_on=date(2023, 1, 31) + timedelta(days=self._draw.chance.randint(0, 2)),
        )

    def suspend(self) -> Command:
        return build.suspend_venue(
            command_id=self._draw.new_id(), venue=self._draw.chance.choice(VENUES)
        )

    def resume(self) -> Command:
        return build.resume_venue(
            command_id=self._draw.new_id(), venue=self._draw.chance.choice(VENUES)
        )

    def _terminals(self) -> list[tuple[TerminalId, TerminalEntry]]:
        return list(self._draw.audit.ledger.reference.terminals.items())
