"""The ledger as if one command were decided after the other, on the log as it is.

Whatever writers do at once has to come out as if they had done it so.
"""

from datetime import datetime
from typing import Any

from ledger.decisions.folds import FOLDS
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Command, Decision, Situation
from ledger.facts import Event
from ledger.facts.codec import REFERENCE
from ledger.values.ids import StreamId
from ledger.values.reasons import Reason, Refusal
from tests.builders.world import PEPPERS


class SerialLedger:
    """The log so far, folded."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.streams: dict[StreamId, Any] = {}
        self.reference = Reference()
        self.done: dict[tuple[StreamId, str], Event] = {}  # the last fact of each command

    def apply(self, event: Event) -> None:
        """It has happened."""
        self.events.append(event)
        position, fact = len(self.events), event.fact
        self.done[event.stream, event.command_id] = event
        if evolve := FOLDS.get(type(fact)):
            self.streams[event.stream] = evolve(
                self.streams.get(event.stream), event, fact, position
            )
        if type(fact) in REFERENCE:
            self.reference.fold(fact, position)

    def decide(self, command: Command, now: datetime) -> Decision:
        """What becomes of a command that isn't a repetition."""
        named = {s: self.streams[s] for s in command.streams if s in self.streams}
        return command.decide(Situation(named, self.reference, now, PEPPERS))

    def refuses(self, command: Command, now: datetime) -> Refusal | None:
        """Why the command is refused here, if it is."""
        if (done := self.done.get((command.stream, command.command_id))) is not None:
            return None if command.repeats(done) else Refusal(Reason.COMMAND_ID_REUSED)
        decision = self.decide(command, now)
        return decision if isinstance(decision, Refusal) else None
