"""Our events pass through the library's interface byte for byte."""

from dataclasses import dataclass

import pytest
from eventsourcing.compressor import ZlibCompressor
from eventsourcing.persistence import (
    JSONTranscoder,
    MapperDeserialisationError,
    Notification,
    ProgrammingError,
    StoredEvent,
)

from ledger.facts.codec import encode
from ledger.log.mapper import FactMapper, LedgerEvent
from tests.builders.facts import redeemed, venue_registered
from tests.builders.placing import recorded
from tests.ledger.log.helpers import MAPPER, opaque, ours


def test_an_event_is_stored_under_its_stream_version_and_tag() -> None:
    event = redeemed(1, 2)

    stored = MAPPER.to_stored_event(LedgerEvent.of(event))

    assert stored == StoredEvent(event.stream, 1, "tickets.redeemed.v1", encode(event))


def test_bytes_come_back_untouched() -> None:
    """Also where this program would write them otherwise: proofs commit to what is stored."""
    event = recorded(venue_registered())
    spaced = encode(event).replace(b'","', b'" ,  "')
    stored = StoredEvent(event.stream, 1, "venue.registered.v1", spaced)

    read = MAPPER.to_domain_event(stored)

    assert read.event == event
    assert MAPPER.to_stored_event(read) == stored


def test_a_notification_brings_its_position() -> None:
    stored = ours(venue_registered())
    notification = Notification(**vars(stored), id=7)

    assert MAPPER.to_domain_event(notification).position == 7
    assert MAPPER.to_domain_event(stored).position is None


def test_what_cant_be_read_says_where_it_stands() -> None:
    with pytest.raises(MapperDeserialisationError, match="a version 3"):
        MAPPER.to_domain_event(opaque("a", 3))


def test_others_events_are_refused() -> None:
    @dataclass(frozen=True)
    class Theirs:
        originator_id: str = "a"
        originator_version: int = 1

    with pytest.raises(ProgrammingError, match="Theirs is not an event of this ledger"):
        MAPPER.to_stored_event(Theirs())


def test_nothing_compresses_or_encrypts_the_log() -> None:
    with pytest.raises(ProgrammingError):
        FactMapper(JSONTranscoder(), compressor=ZlibCompressor())
