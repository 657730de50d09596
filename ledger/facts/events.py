"""A fact in its place in a stream, and the union of all that may stand there."""

from datetime import datetime

import msgspec

from ledger.facts.base import OriginStarted
from ledger.facts.carnets import CarnetFact
from ledger.facts.clearing import CutoffFixed, PaymentRunClosed, RunFact, TransferFact
from ledger.facts.programmes import (
    FundingFact,
    HolderFact,
    ProgrammeClosed,
    ProgrammeFact,
    ProgrammeOpened,
    RulesPublished,
)
from ledger.facts.venues import TerminalFact, VenueFact
from ledger.values.ids import StreamId

AnyFact = (
    OriginStarted
    | ProgrammeFact
    | HolderFact
    | FundingFact
    | CarnetFact
    | VenueFact
    | TerminalFact
    | RunFact
    | TransferFact
)
# What decisions may rely on without extending its stream: kept in memory, guarded by position.
ReferenceFact = (
    OriginStarted
    | ProgrammeOpened
    | RulesPublished
    | ProgrammeClosed
    | HolderFact
    | VenueFact
    | TerminalFact
    | CutoffFixed
    | PaymentRunClosed
)


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A fact in its place in a stream. Its encoded bytes are the whole truth (see `codec`)."""

    stream: StreamId
    version: int  # within the stream, from 1, no gaps
    recorded_at: datetime  # UTC, our clock, whole seconds
    command_id: str  # what the caller repeats when it retries
    actor: str  # who asked: `terminal:…`, `person:…`
    fact: AnyFact
    request: str = ""  # digest of the command, where the fact alone can't tell it from another
