"""Looks at every commit and at every answer, and says what is wrong with it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby

from eventsourcing.persistence import Notification

from ledger.batch import Outcome, Recorded
from ledger.decisions.redemption import TerminalCommand
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Accepted, Command, Finding
from ledger.facts import CutoffFixed, Event
from ledger.facts.codec import TOPICS, decode
from ledger.log.rows import AHEAD, RefusedCommand
from ledger.values.clock import minute_of
from ledger.values.ids import RunId, VenueId
from ledger.values.reasons import Reason, Refusal
from tests.simulation.log import SimulatedLog
from tests.simulation.rules import Rules
from tests.simulation.serial import SerialLedger


class ViolationError(Exception):
    """Something happened that must not happen."""


@dataclass(frozen=True)
class Arrival:
    """What there was when a writer was handed a command."""

    revoked: bool  # the device that sends it


class Audit:
    """What an auditor knows: the log as it is read, what was asked, and what was answered."""

    def __init__(self, log: SimulatedLog) -> None:
        self._log = log
        log.on_commit = self.look
        self.ledger = SerialLedger()
        self._rules = Rules()
        self._states: list[bytes] = []
        self._refusals_seen = 0
        self._refused: Counter[tuple[str, str]] = Counter()  # kept, by command id and reason
        self._asked: dict[str, list[Command]] = defaultdict(list)
        self._answered: dict[int, Recorded] = {}  # by position
        self._fresh: set[int] = set()  # positions that were acknowledged as new
        self.owed: dict[RunId, dict[VenueId, int]] = {}  # cents by venue, at the run's cutoff
        self.told = Counter[str]()  # answers by kind
        self.violation: str | None = None
        self.failed = asyncio.Event()

    def complain(self, about: str) -> None:
        """Remember the first thing that went wrong; what follows may be due to it."""
        if self.violation is None:
            self.violation = about
            self.failed.set()

    def asking(self, command: Command) -> None:
        if command not in self._asked[command.command_id]:
            self._asked[command.command_id].append(command)

    # Commits.

    def look(self) -> None:
        """Read what the log has that it had not before."""
        try:
            self._look()
        except Exception as e:  # noqa: BLE001 (whatever it is, this log can't be followed)
            self.complain(f"the log can't be followed at {len(self.ledger.events)}: {e!r}")

    def _look(self) -> None:
        known = len(self.ledger.events)
        found = self._log.select_notifications(known + 1, self._log.head.size - known or 1)
        if [each.id for each in found] != list(range(known + 1, known + 1 + len(found))):
            self.complain(f"positions have a gap behind {known}")
        events = [self._read(each) for each in found]
        refused = self._log.refusals[self._refusals_seen :]
        self._refusals_seen += len(refused)
        self._refused.update((each.command_id, each.refusal.reason) for each, _ in refused)
        unsupported = self._unsupported(refused)
        for command_id, group in groupby(events, key=lambda event: event.command_id):
            self._follow(command_id, list(group))
            unsupported = self._unsupported(unsupported)
        for each, at in refused:
            self._compare_clocks(f"{each.command} {each.command_id} refused", at)
            self._rules.refused(at)
        for each, _ in unsupported:
            self.complain(
                f"{each.command} {each.command_id} was refused ({each.refusal.reason})"
                f" at position {len(self.ledger.events)}, where the log does not support it"
            )

    def _read(self, stored: Notification) -> Event:
        event = decode(stored.state)
        self._states.append(stored.state)
        index = (stored.originator_id, stored.originator_version, stored.topic)
        if index != (event.stream, event.version, TOPICS[type(event.fact)]):
            self.complain(f"position {stored.id}: the columns say {index}, the state another thing")
        return event

    def _follow(self, command_id: str, events: Sequence[Event]) -> None:
        """All that a command did stands together; it is what one decision makes of the log."""
        place = f"position {len(self.ledger.events) + 1}, {type(events[0].fact).__name__}"
        own = {command.stream for command in self._asked[command_id]}
        if any((stream, command_id) in self.ledger.done for stream in own):
            self.complain(f"{place}: command {command_id} happened twice")
        happened = tuple((event.stream, event.fact) for event in events)
        if Accepted(happened) not in [
            self.ledger.decide(command, events[0].recorded_at)
            for command in self._asked[command_id]
            if command.actor == events[0].actor
        ]:
            self.complain(f"{place}: nobody asked for this, or it could not be granted here")
        for event in events:
            self._compare_clocks(place, event.recorded_at)
            for broken in self._rules.broken_by(event):
                self.complain(f"{place}: {broken}")
            self.ledger.apply(event)
            if isinstance(event.fact, CutoffFixed):
                self.owed[event.fact.run] = self._rules.owed()

    def _compare_clocks(self, what: str, at: datetime) -> None:
        """No host's clock takes all others far ahead of the database's."""
        if (ahead := minute_of(at) - self._log.head.now) > AHEAD:
            self.complain(f"{what}: {ahead} minutes before the time")

    def _unsupported(
        self, refused: Sequence[tuple[RefusedCommand, datetime]]
    ) -> list[tuple[RefusedCommand, datetime]]:
        """The refusals that the log, as far as it is followed, does not support."""
        return [(each, at) for each, at in refused if not self._is_supported(each, at)]

    def _is_supported(self, each: RefusedCommand, at: datetime) -> bool:
        return any(
            self.ledger.refuses(command, at) == each.refusal
            for command in self._asked[each.command_id]
            if (type(command).__name__, command.actor, command.evidence)
            == (each.command, each.actor, each.evidence)
        )

    # Answers.

    def arrival(self, command: Command) -> Arrival:
        terminals = self.ledger.reference.terminals
        by = isinstance(command, TerminalCommand) and terminals.get(command.terminal)
        return Arrival(revoked=bool(by and by.revoked and by.fingerprint))

    def answered(self, command: Command, outcome: Outcome, before: Arrival) -> None:
        """A writer gave this answer. Whether the caller heard it makes no difference."""
        for wrong in self._wrong_with(command, outcome, before):
            self.complain(f"{type(command).__name__} {command.command_id}: {wrong}")

    def _wrong_with(self, command: Command, outcome: Outcome, before: Arrival) -> Iterator[str]:
        match outcome:
            case Recorded():
                self.told["replayed" if outcome.replayed else "recorded"] += 1
                yield from self._wrong_with_recorded(command, outcome)
            case Refusal(reason=reason):
                self.told[reason.value] += 1
                if (command.command_id, reason) not in self._refused:
                    yield f"refused ({reason}), and it was not kept"
            case Finding(answer=answer):
                self.told["found"] += 1
                if before.revoked and answer.get("reason") != Reason.TERMINAL_REVOKED:
                    yield f"a terminal revoked before was told {answer}"
            case _:
                yield f"answered with {outcome}"

    def _wrong_with_recorded(self, command: Command, outcome: Recorded) -> Iterator[str]:
        events, position = self.ledger.events, outcome.position
        if not 1 <= position <= len(events) or events[position - 1] != outcome.event:
            yield f"acknowledged at position {position}, where the log has something else"
        elif self.ledger.done.get((command.stream, command.command_id)) != outcome.event:
            yield f"acknowledged at position {position}, which is not where it ends"
        elif not outcome.replayed and position in self._fresh:
            yield f"acknowledged at position {position} as new, twice"
        if not outcome.replayed:
            self._fresh.add(position)
        self._answered[position] = outcome

    def compare(self, reference: Reference) -> None:
        """A writer's reference data is the log's, at its position."""
        if (
            reference.position == self.ledger.reference.position
            and reference != self.ledger.reference
        ):
            self.complain(f"a writer's reference data at {reference.position} is not the log's")

    def close(self) -> None:
        """Nothing acknowledged was lost, in the end."""
        self.look()
        log = self._log.select_notifications(None, self._log.head.size or 1)
        if [each.state for each in log] != self._states:
            self.complain("the log is not what it was")
        for position, outcome in self._answered.items():
            if position > len(log) or decode(log[position - 1].state) != outcome.event:
                self.complain(f"what was acknowledged at position {position} is gone")

    @property
    def digest(self) -> str:
        """Of all that was appended, refused and answered."""
        told = [f"{each} {at}".encode() for each, at in self._log.refusals]
        answers = [f"{kind} {count}".encode() for kind, count in self.told.items()]
        return sha256(b"\n".join([*self._states, *told, *answers])).hexdigest()
