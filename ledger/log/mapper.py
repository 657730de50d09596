"""Our events under the eventsourcing library's protocol. Their bytes pass through untouched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    Cipher,
    Compressor,
    Mapper,
    MapperDeserialisationError,
    Notification,
    ProgrammingError,
    StoredEvent,
    Transcoder,
)

from ledger.facts import Event
from ledger.facts.codec import FACTS, REFERENCE_TOPICS, TOPICS, UnreadableEventError, decode, encode
from ledger.log.rows import Rows
from ledger.values.clock import minute_of


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """An event and its bytes: what the library calls a domain event."""

    event: Event
    state: bytes  # as they stand in the log, or will
    position: int | None = None  # in the log, where it was read from there

    @classmethod
    def of(cls, event: Event) -> Self:
        """An event that is not in the log yet. Encodes it, once."""
        return cls(event, encode(event))

    @property
    def originator_id(self) -> str:
        return self.event.stream

    @property
    def originator_version(self) -> int:
        return self.event.version


class FactMapper(Mapper[str]):
    """Between stored events and ours. It knows our facts and nothing else."""

    def __init__(
        self,
        transcoder: Transcoder,
        compressor: Compressor | None = None,
        cipher: Cipher | None = None,
    ) -> None:
        """Take what the library's factory hands over; the transcoder has nothing to do here.

        Raises:
            ProgrammingError: the environment asks for a compressor or a cipher. The log's bytes
                are what its proofs commit to, so they are stored as they are.
        """
        if compressor is not None or cipher is not None:
            raise ProgrammingError("the log stores the bytes that its proofs commit to")
        super().__init__(transcoder)

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        if not isinstance(domain_event, LedgerEvent):
            raise ProgrammingError(f"{type(domain_event).__name__} is not an event of this ledger")
        event = domain_event.event
        return StoredEvent(
            event.stream, event.version, TOPICS[type(event.fact)], domain_event.state
        )

    def to_domain_event(self, stored_event: StoredEvent) -> LedgerEvent:
        position = stored_event.id if isinstance(stored_event, Notification) else None
        try:
            return LedgerEvent(decode(stored_event.state), stored_event.state, position)
        except UnreadableEventError as e:
            place = f"{stored_event.originator_id} version {stored_event.originator_version}"
            raise MapperDeserialisationError(f"{place}: {e}") from e


def rows_of(stored_events: Sequence[StoredEvent]) -> tuple[Rows, int]:
    """Stored events as the rows of one append, and the minute that they move the head to.

    Others' events are opaque: they move neither minute nor reference position. What carries one
    of our topics does, exactly as if the writer had appended it.

    Raises:
        UnreadableEventError: a topic of ours on something else, which no writer could read.
    """
    rows, minute = Rows(), 0
    for stored in stored_events:
        rows.streams.append(str(stored.originator_id))
        rows.versions.append(stored.originator_version)
        rows.topics.append(stored.topic)
        rows.states.append(stored.state)
        if stored.topic in FACTS:
            minute = max(minute, minute_of(decode(stored.state).recorded_at))
        if stored.topic in REFERENCE_TOPICS:
            rows.reference_offset = len(rows)
    return rows, minute
