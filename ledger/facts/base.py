"""What every fact has in common, and the first fact of all."""

import msgspec

from ledger.values.money import Cents

CentsByFunder = dict[str, Cents]


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """Something that happened. Frozen, and told in full: an auditor needs no other fact to read it.

    A tag means the same for ever. What is to mean something else gets a class and a tag of its own.
    """


class OriginStarted(Fact, frozen=True, tag="log.origin-started.v1"):
    """The first fact of a ledger. Only one that calls itself a demo here may move its clock."""

    demo: bool
    clock_offset_seconds: int = 0  # added to our clock's instants; 0 unless `demo`
    peppers: dict[str, str] = {}  # id → fingerprint: with another key no ticket would open
