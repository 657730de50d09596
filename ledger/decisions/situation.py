"""What a command sees when it is decided, and the shapes of its answer.

A command reads the streams that it names, reference data and the time, nothing else. The
append notices what has moved since: a stream by its version, as the command extends what it relies
on, and the other two by the log's head.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar

import msgspec

from ledger.decisions.reference import Reference
from ledger.facts import AnyFact, Event
from ledger.values.codes import Pepper
from ledger.values.ids import StreamId
from ledger.values.reasons import Refusal


@dataclass(slots=True)
class Situation:
    """The states that a command may look at. `decide` reads it and changes nothing."""

    streams: dict[StreamId, Any]  # folded state by stream; absent where nothing happened yet
    reference: Reference
    now: datetime  # UTC, whole seconds, never behind the log's last minute
    peppers: Mapping[str, Pepper] = field(default_factory=dict)


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """What happened, in order. The last fact stands in the command's own stream.

    Its position is the command's: who has seen that one has seen them all.
    """

    facts: tuple[tuple[StreamId, AnyFact], ...]


class Finding(msgspec.Struct, frozen=True):
    """The answer to a question that changes nothing."""

    answer: dict[str, Any]


Decision = Accepted | Finding | Refusal
Evidence = dict[str, str | int | list[int]]


class InvalidCommandError(ValueError):
    """A command that can't be meant: nothing comes of it. The message names field and limit."""


def require(*, holds: bool, otherwise: str) -> None:
    """Hold a command to what its fields have to be.

    Raises:
        InvalidCommandError: it doesn't hold.
    """
    if not holds:
        raise InvalidCommandError(otherwise)


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Something that somebody wants. `command_id` is repeated on every retry."""

    may_wait: ClassVar[bool] = False  # bulk work, which terminals go before
    keeps_digest: ClassVar[bool] = True  # False: `repeats` compares the fact itself

    command_id: str
    actor: str

    @property
    def stream(self) -> StreamId:
        """The stream that remembers the command: its last fact stands there."""
        raise NotImplementedError  # pragma: no cover

    @property
    def streams(self) -> tuple[StreamId, ...]:
        """The streams that it reads and may extend, its own first."""
        return (self.stream,)

    @property
    def weight(self) -> int:
        """The most facts it can lead to."""
        return 1

    def decide(self, at: Situation) -> Decision:
        """Pure: the same situation, the same answer."""
        raise NotImplementedError  # pragma: no cover

    @property
    def evidence(self) -> Evidence:
        """What was attempted, as a refusal keeps it and no answer tells it. Never a code."""
        return {}

    def request_digest(self) -> str:
        """What tells this command from another with the same id: 96 bits, hexadecimal.

        Not who asks: a colleague may finish what was interrupted, with the same ids.
        """
        said = {name: getattr(self, name) for name in self.__struct_fields__ if name != "actor"}
        told = type(self).__name__, said
        return sha256(msgspec.json.encode(told, order="sorted")).hexdigest()[:24]

    def was_undone(self, at: Situation) -> bool:
        """Whether what this command did has been taken back since."""
        return False

    def repeats(self, event: Event) -> bool:
        """Whether `event`, which has this command's id, is what this command did."""
        return event.request == self.request_digest()
