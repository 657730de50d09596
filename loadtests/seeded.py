"""What a seeded ledger has for its load, and how another process is told."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ledger.values.ids import TerminalId, VenueId


@dataclass(frozen=True, slots=True)
class Device:
    """A terminal that is enrolled, and the key that only it has."""

    terminal: TerminalId
    venue: VenueId
    fingerprint: str
    private_key: bytes = field(repr=False)  # Ed25519, raw


@dataclass(frozen=True, slots=True)
class Seeded:
    """A ledger ready for load."""

    devices: list[Device]
    carnets: list[str]  # the codes of each, ticket 1 first, with a space between


def write_seeded(path: Path, seeded: Seeded) -> None:
    """Write it for another process. The file holds keys and codes: only its owner reads it."""
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(seeded))


def read_seeded(path: Path) -> Seeded:
    """Read what `write_seeded` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Seeded)
