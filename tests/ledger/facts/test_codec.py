import json
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.facts import AcceptanceArea, Event, Fact
from ledger.facts.codec import (
    FACTS,
    REFERENCE,
    REFERENCE_TOPICS,
    TOPICS,
    UnreadableEventError,
    decode,
    decode_all,
    encode,
)
from tests.builders.examples import EXAMPLES
from tests.builders.facts import assigned, issued, redeemed, rules_published, run_drafted
from tests.builders.placing import recorded
from tests.ledger.facts.strategies import EVENTS, events_of

LARGEST_STATE = 65_535  # bytes: what two bytes can count in a tile; the table has a CHECK
HEADER = "a" * 80  # longer than any stream, command id or actor


@pytest.mark.parametrize("kind", [pytest.param(kind, id=tag) for tag, kind in FACTS.items()])
def test_what_is_decoded_is_what_was_encoded(kind: type[Fact]) -> None:
    @settings(max_examples=20)
    @given(events_of(kind))
    def holds(event: Event) -> None:
        assert decode(encode(event)) == event

    holds()


@given(EVENTS)
def test_the_bytes_are_plain_json_that_names_its_type(event: Event) -> None:
    document = json.loads(encode(event))

    assert document["fact"]["type"] == TOPICS[type(event.fact)]
    assert document["stream"] == event.stream


@given(st.binary())
def test_any_bytes_are_an_event_or_unreadable(state: bytes) -> None:
    unreadable_or_event(state)


@given(st.data())
def test_damaged_bytes_are_an_event_or_unreadable(data: st.DataObject) -> None:
    state = bytearray(encode(data.draw(st.sampled_from(list(EXAMPLES.values())))))
    for _ in range(data.draw(st.integers(1, 3))):
        state[data.draw(st.integers(0, len(state) - 1))] = data.draw(st.integers(0, 255))
    unreadable_or_event(bytes(state[: data.draw(st.integers(0, len(state)))]))


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["fact", "type"]), inner),
    )
)
def test_any_json_is_an_event_or_unreadable(document: object) -> None:
    unreadable_or_event(json.dumps(document).encode())


def test_a_bottomless_document_is_unreadable() -> None:
    with pytest.raises(UnreadableEventError):
        decode(b'{"x":' + b"[" * 100_000)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"tickets.redeemed.v1", b"tickets.redeemed.v9"),  # of a later program
        (b'"amount_cents":1000', b'"amount_cents":10.5'),
        (b'"amount_cents":1000,', b""),
        (b'"tickets":[1]', b'"tickets":["1"]'),
        (b'"2022-06-01T08:00:00Z"', b'"2022-06-31T08:00:00Z"'),
        (b"}}", b"}"),
    ],
)
def test_what_does_not_fit_the_types_is_unreadable(old: bytes, new: bytes) -> None:
    state = encode(redeemed())
    assert old in state

    with pytest.raises(UnreadableEventError):
        decode(state.replace(old, new))


@given(st.lists(EVENTS, max_size=5))
def test_many_are_decoded_as_each_would_be(events: list[Event]) -> None:
    states = [encode(event) for event in events]

    assert decode_all(states) == [decode(state) for state in states] == events


@given(st.data())
def test_one_damaged_row_among_many_is_not_read_over(data: st.DataObject) -> None:
    states = [encode(redeemed(1)), encode(redeemed(2)), encode(redeemed(3))]
    damaged = states[data.draw(st.integers(0, 2))]
    at = data.draw(st.integers(0, len(damaged) - 1))
    cut = [damaged[:at] if state is damaged else state for state in states]

    with pytest.raises(UnreadableEventError):
        decode_all(cut)


@pytest.mark.parametrize(
    "states",
    [
        [b""],
        [b" "],
        [b"", encode(redeemed(1))],
        [encode(redeemed(1)) + b"," + encode(redeemed(2))],
        [encode(redeemed(1))[:20], encode(redeemed(1))[20:]],
        [encode(redeemed(1)), b"\xff"],
        [b"[" * 100_000],
    ],
    ids=["empty", "blank", "one empty", "two in one", "one in two", "not UTF-8", "bottomless"],
)
def test_a_row_is_an_event(states: list[bytes]) -> None:
    with pytest.raises(UnreadableEventError):
        decode_all(states)


def unreadable_or_event(state: bytes) -> None:
    try:
        event = decode(state)
    except UnreadableEventError:
        return
    assert isinstance(event, Event)


def test_a_tag_says_its_stream_and_its_version() -> None:
    for tag in FACTS:
        assert re.fullmatch(r"[a-z-]+\.[a-z-]+\.v[1-9][0-9]*", tag)


def test_reference_data_are_facts_of_ours() -> None:
    assert set(TOPICS) >= REFERENCE
    assert set(REFERENCE_TOPICS) == {TOPICS[kind] for kind in REFERENCE}


def size_of(event: Event) -> int:
    widest = msgspec.structs.replace(
        event, stream=HEADER, command_id=HEADER, actor=HEADER, request=HEADER, version=10**12
    )
    return len(encode(widest))


@pytest.mark.parametrize(
    "event",
    [
        # Ticket numbers have two digits in a code.
        recorded(issued(size=99)),
        recorded(assigned(tickets=tuple(range(1, 100)))),
        redeemed(*range(1, 100)),
        # 360 000 venues in one run: 900 parts of 400 lines.
        recorded(run_drafted(parts=["f" * 64] * 900)),
        # 3 000 venues named one by one.
        recorded(
            rules_published(
                acceptance=AcceptanceArea("venues", tuple(f"{n:014}" for n in range(3000)))
            )
        ),
    ],
    ids=["99 digests", "99 assigned", "99 redeemed", "900 parts", "3000 venues"],
)
def test_the_largest_facts_fit_a_row(event: Event) -> None:
    assert size_of(event) <= LARGEST_STATE
