"""Facts as bytes. `state` is encoded once, when the fact is recorded, and never again.

A JSON document that needs nothing beside it: header and fact. The log's columns repeat what is
searched for, and the Merkle leaf will commit to these very bytes.
"""

from collections.abc import Sequence
from typing import Final, get_args

import msgspec

from ledger.facts import AnyFact, Event, Fact, ReferenceFact


def tag_of(fact_type: type[Fact]) -> str:
    """The stable topic under which facts of this class are stored: `tickets.redeemed.v1`."""
    return str(fact_type.__struct_config__.tag)


TOPICS: Final[dict[type[Fact], str]] = {cls: tag_of(cls) for cls in get_args(AnyFact)}
FACTS: Final[dict[str, type[Fact]]] = {tag: cls for cls, tag in TOPICS.items()}
REFERENCE: Final[frozenset[type[Fact]]] = frozenset(get_args(ReferenceFact))
REFERENCE_TOPICS: Final = tuple(sorted(TOPICS[cls] for cls in REFERENCE))

encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Event).decode
_decode_list: Final = msgspec.json.Decoder(list[Event]).decode


def decode(state: bytes) -> Event:
    """Read an event back.

    Raises:
        UnreadableEventError: the bytes are not an event of this ledger: a corrupt row, or a fact
            of a later version of the program.
    """
    try:
        return _decode(state)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise UnreadableEventError(str(e)) from e


def decode_all(states: Sequence[bytes]) -> list[Event]:
    """Read many events back, in one call.

    Raises:
        UnreadableEventError: one of them is not an event of this ledger.
    """
    try:
        events = _decode_list(b"[" + b",".join(states) + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise UnreadableEventError(str(e)) from e
    if len(events) != len(states):  # an empty row, or two events in one
        raise UnreadableEventError(f"{len(events)} events in {len(states)} rows")
    return events


class UnreadableEventError(ValueError):
    """Stored bytes that this program can't read as an event."""
