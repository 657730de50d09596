"""The SQL of the log and the rows it takes. Whoever appends, appends with this one statement.

Positions come from `log_head`, whose row the append locks until its commit: so events
are inserted, numbered and committed in one order, and who has read up to a position has missed
nothing before it.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from ledger.decisions.situation import Evidence, InvalidCommandError
from ledger.facts import Event
from ledger.facts.codec import REFERENCE, REFERENCE_TOPICS, TOPICS, encode
from ledger.log.arrays import Blobs, Numbers, Texts
from ledger.values.reasons import Refusal

# The streams of a batch, each in the order of its versions.
READ: Final = """
SELECT notification_id, state FROM events
WHERE originator_id = ANY(%(streams)b::text[]) ORDER BY originator_id, originator_version
"""

# Reference data from a position on; a partial index holds just these.
READ_REFERENCE: Final = f"""
SELECT notification_id, state FROM events
WHERE topic IN ({", ".join(f"'{topic}'" for topic in REFERENCE_TOPICS)})
  AND notification_id > %(after)b
ORDER BY notification_id
"""  # noqa: S608 (our own constants)

AHEAD: Final = 2  # minutes that a writer's clock may be ahead of the database's

_DATABASE_MINUTE: Final = "floor(extract(epoch FROM now()) / 60)::bigint"
READ_HEAD: Final = f"SELECT size, minute, reference, {_DATABASE_MINUTE} FROM log_head WHERE id = 1"  # noqa: S608
LOCK_HEAD: Final = f"{READ_HEAD} FOR UPDATE"

# No row comes back where the head isn't what was decided on: reference data has moved, or our
# clock is behind the log's, or ahead of the database's. A unique violation says that a stream has
# moved. NULL checks nothing.
APPEND: Final = f"""
WITH head AS (
    UPDATE log_head SET
        size = size + %(count)b,
        minute = greatest(minute, %(minute)b),
        reference = CASE WHEN %(reference_offset)b::bigint > 0
                    THEN size + %(reference_offset)b ELSE reference END
    WHERE id = 1
      AND reference = coalesce(%(expected_reference)b, reference)
      AND minute <= coalesce(%(not_before)b, minute)
      AND coalesce(%(clock)b::bigint, 0) <= {_DATABASE_MINUTE} + {AHEAD}
    RETURNING size - %(count)b AS base
), added AS (
    INSERT INTO events (originator_id, originator_version, topic, state, notification_id)
    SELECT stream, version, topic, state, base + number
    FROM head, unnest(%(streams)b::text[], %(versions)b::bigint[], %(topics)b::text[],
                      %(states)b::bytea[]) WITH ORDINALITY
         AS event (stream, version, topic, state, number)
)
SELECT base FROM head
"""  # noqa: S608 (our own constants)

REFUSE: Final = """
INSERT INTO refusals (refused_at, command_id, actor, command, reason, rule_version, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


LARGEST_EVENT: Final = 65_535  # bytes; the table refuses more


class EventTooLargeError(InvalidCommandError):
    """A command said more than an event can hold."""

    def __init__(self, topic: str, size: int) -> None:
        super().__init__(f"{topic}: at most {LARGEST_EVENT} bytes, and this has {size}")


@dataclass(frozen=True, slots=True)
class Head:
    """The log's size, the minute last decided at, the position of its last reference fact."""

    size: int
    minute: int
    reference: int
    now: int = field(default=0, compare=False)  # the minute by the database's own clock

    def is_behind(self, clock: int) -> bool:
        """Whether a writer whose clock shows this minute is too far ahead to decide anything."""
        return clock > self.now + AHEAD


@dataclass(slots=True)
class Rows:
    """Events on their way into the log, as the columns that the append takes."""

    streams: Texts = field(default_factory=Texts)
    versions: Numbers = field(default_factory=Numbers)
    topics: Texts = field(default_factory=Texts)
    states: Blobs = field(default_factory=Blobs)
    reference_offset: int = 0  # of the last reference fact, counted from 1; 0: there is none

    def __len__(self) -> int:
        return len(self.streams)

    def add(self, event: Event) -> int:
        """Encode an event, once and for ever, and put it last. Returns its number, from 1.

        Raises:
            EventTooLargeError: it is; nothing is added.
        """
        kind, state = event.fact.__class__, encode(event)
        if len(state) > LARGEST_EVENT:
            raise EventTooLargeError(TOPICS[kind], len(state))
        self.streams.append(event.stream)
        self.versions.append(event.version)
        self.topics.append(TOPICS[kind])
        self.states.append(state)
        number = len(self.states)
        if kind in REFERENCE:
            self.reference_offset = number
        return number

    def cut(self, length: int) -> None:
        """Keep the first `length` events."""
        for column in (self.streams, self.versions, self.topics, self.states):
            del column[length:]
        kept = enumerate(self.topics, start=1)
        self.reference_offset = max(
            (n for n, topic in kept if topic in REFERENCE_TOPICS), default=0
        )

    def parameters(
        self,
        minute: int,
        *,
        expected_reference: int | None = None,
        not_before: int | None = None,
        clock: int | None = None,
    ) -> dict[str, Any]:
        """What APPEND takes. `minute` becomes the head's where it is later.

        `clock` is the minute that the writer's own clock shows, which in a demo is another one.
        """
        return {
            "count": len(self.streams),
            "minute": minute,
            "reference_offset": self.reference_offset,
            "expected_reference": expected_reference,
            "not_before": not_before,
            "clock": clock,
            "streams": self.streams,
            "versions": self.versions,
            "topics": self.topics,
            "states": self.states,
        }


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A refusal as it is kept beside the log."""

    command_id: str
    actor: str
    command: str
    refusal: Refusal
    evidence: Evidence  # of what was attempted; the answer says nothing of it

    @property
    def detail(self) -> Evidence:
        """All that is kept of the case."""
        return {**self.evidence, **self.refusal.detail}
