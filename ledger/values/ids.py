"""Identifiers, and the names of the streams that they stand for.

A new stream takes a natural key, or a `uuid5` of the command that makes it, so that a retry
meets what its first attempt made.
"""

import re
from typing import Final, NewType
from uuid import UUID, uuid5

from stdnum.fr import siret

ProgrammeId = NewType("ProgrammeId", str)  # the prefix of its ticket codes: BFC22
CarnetId = NewType("CarnetId", str)  # BFC22-0001234
OrderId = NewType("OrderId", str)
HolderId = NewType("HolderId", str)
FunderId = NewType("FunderId", str)
VenueId = NewType("VenueId", str)  # its SIRET: one SIRET, one qualification
TerminalId = NewType("TerminalId", str)  # t-0123456789ab
ClaimId = NewType("ClaimId", str)  # a UUID of the terminal's making, which its retries repeat
BeneficiaryId = NewType("BeneficiaryId", str)  # random; the ledger knows no name
RunId = NewType("RunId", str)
StreamId = NewType("StreamId", str)

# Chosen once, for good: it makes the ids of chunks and terminals reproducible.
NAMESPACE: Final = UUID("6f2c1b0e-6c1d-5e0f-9b52-8a1d0f7c4e11")

# Letters and digits that survive a hand-typed code (no I, L, O or U).
PROGRAMME_PATTERN: Final = r"^[0-9A-HJKMNP-TV-Z]{2,8}$"
CARNET_PATTERN: Final = r"^[0-9A-HJKMNP-TV-Z]{2,8}-[0-9]{7}$"
NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"  # orders, holders, funders, people
RUN_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9-]{0,17}$"  # an EndToEndId has 35 characters
TERMINAL_PATTERN: Final = r"^t-[0-9a-f]{12}$"
UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
SIRET_PATTERN: Final = r"^[0-9]{14}$"

_is_uuid = re.compile(UUID_PATTERN[1:-1]).fullmatch


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its canonical lower-case form."""
    return _is_uuid(text) is not None


def is_siret(text: str) -> bool:
    """Whether `text` is 14 digits with a right check digit (La Poste's own rule included)."""
    return text.isascii() and text.isdigit() and bool(siret.is_valid(text))


def derived_id(*parts: object) -> str:
    """The UUID that follows from `parts`: the same parts, the same id."""
    return str(uuid5(NAMESPACE, "/".join(map(str, parts))))


def terminal_id(command_id: str) -> TerminalId:
    """The terminal that an invitation with this command id makes."""
    return TerminalId("t-" + uuid5(NAMESPACE, f"terminal/{command_id}").hex[:12])


def carnet_id(programme: str, number: int) -> CarnetId:
    """The carnet's public serial: BFC22-0001234."""
    return CarnetId(f"{programme}-{number:07d}")


def end_to_end_id(run: str, venue: str) -> str:
    """The transfer's name at the bank, at most 35 characters, unique for ever."""
    return f"PN{run}-{venue}"


def carnet_stream(carnet: str) -> StreamId:
    return StreamId("carnet:" + carnet)


def programme_stream(programme: str) -> StreamId:
    return StreamId("programme:" + programme)


def funding_stream(programme: str, millesime: int) -> StreamId:
    return StreamId(f"funding:{programme}:{millesime}")


def holder_stream(holder: str) -> StreamId:
    return StreamId("holder:" + holder)


def venue_stream(venue: str) -> StreamId:
    return StreamId("venue:" + venue)


def terminal_stream(terminal: str) -> StreamId:
    return StreamId("terminal:" + terminal)


def run_stream(run: str) -> StreamId:
    return StreamId("payment-run:" + run)


def transfer_stream(reference: str) -> StreamId:
    return StreamId("transfer:" + reference)


LOG_STREAM: Final = StreamId("log:origin")
