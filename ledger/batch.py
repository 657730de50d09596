"""One batch of commands, decided. No I/O: rows in, rows and outcomes out.

Commands are decided in the order in which they arrived, and each new event is folded into the
state that it was decided on; so of two claims for one ticket in one batch, one wins.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from ledger.decisions.folds import FOLDS
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Accepted, Command, Finding, Situation
from ledger.facts import AnyFact, Event
from ledger.facts.codec import REFERENCE, decode_all
from ledger.log.rows import EventTooLargeError, RefusedCommand, Rows
from ledger.values.codes import Pepper
from ledger.values.ids import StreamId
from ledger.values.reasons import Reason, Refusal

# Events of the batch have no position yet. They are numbered from here, behind any real one.
_PROVISIONAL: Final = 1 << 62


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """The command has happened: its last fact, and where that stands."""

    position: int
    event: Event
    replayed: bool = False  # it had happened before; this is the first answer again
    undone: bool = False  # and it was taken back since


class Failed(msgspec.Struct, frozen=True):
    """No answer. Of ours, a defect; an InvalidCommandError is the caller's to mend."""

    error: Exception


Outcome = Recorded | Finding | Refusal | Failed


class Batch:
    """Decides commands on the events of their streams. Build it, then take rows and outcomes."""

    def __init__(
        self,
        commands: Sequence[Command],
        stored: Sequence[tuple[int, bytes]],
        reference: Reference,
        now: datetime,
        peppers: Mapping[str, Pepper],
    ) -> None:
        self.commands = commands
        self.rows = Rows()
        self._own_reference = False
        self._at = Situation({}, reference, now, peppers)
        self._versions: dict[StreamId, int] = {}
        self._asked = {command.command_id for command in commands}
        self._done: dict[tuple[StreamId, str], tuple[Event, int]] = {}
        self._replay(stored)
        self._verdicts = [self._decide(command) for command in commands]

    @property
    def reference(self) -> Reference:
        """Reference data with the batch's own facts, at provisional positions."""
        return self._at.reference

    @property
    def now(self) -> datetime:
        return self._at.now

    @property
    def changes_reference(self) -> bool:
        return self._own_reference

    def outcomes(self, base: int) -> list[Outcome]:
        """What became of each command, once the rows stand behind position `base`."""
        settled = base - _PROVISIONAL
        return [
            Recorded(verdict.position + settled, verdict.event, verdict.replayed, verdict.undone)
            if isinstance(verdict, Recorded) and verdict.position >= _PROVISIONAL
            else verdict
            for verdict in self._verdicts
        ]

    def refused(self) -> list[RefusedCommand]:
        """The refusals, as they are kept."""
        return [
            RefusedCommand(
                command.command_id,
                command.actor,
                type(command).__name__,
                outcome,
                command.evidence,
            )
            for command, outcome in zip(self.commands, self._verdicts, strict=True)
            if isinstance(outcome, Refusal)
        ]

    def _replay(self, stored: Sequence[tuple[int, bytes]]) -> None:
        """Fold what the streams hold. The hottest loop there is: hence the local names."""
        asked, versions, streams, folds = self._asked, self._versions, self._at.streams, FOLDS
        events = decode_all([state for _, state in stored])
        for (position, _), event in zip(stored, events, strict=True):
            stream, fact = event.stream, event.fact
            versions[stream] = event.version
            if event.command_id in asked:
                self._done[stream, event.command_id] = (event, position)
            if (evolve := folds.get(fact.__class__)) is not None:
                streams[stream] = evolve(streams.get(stream), event, fact, position)

    def _decide(self, command: Command) -> Outcome:
        try:
            if (done := self._done.get((command.stream, command.command_id))) is not None:
                event, position = done
                if command.repeats(event):
                    undone = command.was_undone(self._at)
                    return Recorded(position, event, replayed=True, undone=undone)
                return Refusal(Reason.COMMAND_ID_REUSED)
            decision = command.decide(self._at)
        except Exception as e:  # noqa: BLE001 (one broken decision must not stop the others)
            return Failed(e)
        return self._record(command, decision) if isinstance(decision, Accepted) else decision

    def _record(self, command: Command, accepted: Accepted) -> Recorded | Failed:
        request = command.request_digest() if command.keeps_digest else ""
        rows, streams, versions = self.rows, self._at.streams, self._versions
        added: list[tuple[int, Event]] = []
        for stream, fact in accepted.facts:
            version = versions.get(stream, 0) + 1
            event = Event(
                stream=stream,
                version=version,
                recorded_at=self._at.now,
                command_id=command.command_id,
                actor=command.actor,
                fact=fact,
                request=request,
            )
            try:
                added.append((_PROVISIONAL + rows.add(event), event))
            except EventTooLargeError as e:
                self._take_back(added)
                return Failed(e)
            versions[stream] = version
        if not added:
            raise ValueError(f"{type(command).__name__} was accepted without a fact")

        # From here on the command has happened.
        for position, event in added:
            stream, fact = event.stream, event.fact
            self._done[stream, command.command_id] = (event, position)
            if (evolve := FOLDS.get(fact.__class__)) is not None:
                streams[stream] = evolve(streams.get(stream), event, fact, position)
            if fact.__class__ in REFERENCE:
                self._refer(fact, position)
        return Recorded(*added[-1])

    def _take_back(self, added: Sequence[tuple[int, Event]]) -> None:
        """A command happens as a whole, or not at all."""
        self.rows.cut(len(self.rows) - len(added))
        for _, event in added:
            self._versions[event.stream] -= 1

    def _refer(self, fact: AnyFact, position: int) -> None:
        if not self._own_reference:
            self._own_reference = True
            self._at.reference = self._at.reference.copy()
        self._at.reference.fold(fact, position)
