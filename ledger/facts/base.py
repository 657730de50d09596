"""What every fact has in common, and the first fact of all."""

import msgspec

from ledger.values.money import Cents

CentsByFunder = dict[str, Cents]


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """Something that happened. Frozen and complete: an auditor joins nothing to understand it.

    The tag is stable for ever. A changed meaning is a new class with a new tag.
    """


class OriginStarted(Fact, frozen=True, tag="log.origin-started.v1"):
    """Position 1 of every ledger. A demo ledger says so here, and only it may shift time."""

    demo: bool
    clock_offset_seconds: int = 0  # added to our clock's instants; 0 unless `demo`
    peppers: dict[str, str] = {}  # id → fingerprint: with another key no ticket would open
