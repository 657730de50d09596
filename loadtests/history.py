"""What terminals asked and what they were told, a line of JSON each, to hold against the books.

A claim is written down before it is sent. Whatever happens to the service, what it acknowledged
is known here, and so is what it left without an answer.
"""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Self

import msgspec


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """A claim or a void is about to be sent for the first time."""

    id: str
    terminal: str


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """It was sent, and no answer came that says what happened. It is sent again."""

    id: str


class Redeemed(msgspec.Struct, frozen=True, tag="redeemed"):
    """A receipt."""

    id: str
    position: int
    carnet: str
    tickets: tuple[int, ...]
    amount_cents: int


class Voided(msgspec.Struct, frozen=True, tag="voided"):
    """The receipt of a void."""

    id: str
    position: int
    claim_id: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """An answer that says no."""

    id: str
    reason: str


Entry = Asked | Unknown | Redeemed | Voided | Refused

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class History:
    """Writes entries to a file, from any number of threads."""

    def __init__(self, path: Path) -> None:
        """Start an empty file."""
        self._file = path.open("wb")
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, entry: Entry) -> None:
        """Add an entry."""
        with self._lock:
            self._file.write(_encode(entry) + b"\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class Told:
    """A history, by id: a retry is told the same again, and what differs is kept apart."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.asked: dict[str, str] = {}  # id → terminal
        self.receipts: dict[str, Redeemed | Voided] = {}
        self.refused: dict[str, str] = {}  # id → reason
        self.unknown: set[str] = set()  # ids that had to be sent again
        self.contradicted: list[Entry] = []  # a second answer that is not the first one again
        for entry in entries:
            match entry:
                case Asked():
                    self.asked[entry.id] = entry.terminal
                case Unknown():
                    self.unknown.add(entry.id)
                case Redeemed() | Voided():
                    if self.receipts.setdefault(entry.id, entry) != entry:
                        self.contradicted.append(entry)
                case Refused():
                    self.refused[entry.id] = entry.reason

    @property
    def unanswered(self) -> set[str]:
        """Ids whose outcome nobody knows."""
        return self.asked.keys() - self.receipts.keys() - self.refused.keys()


def read_history(path: Path) -> Told:
    """Read a file that `History` wrote.

    Raises:
        msgspec.DecodeError: it holds something else.
    """
    with closing(path.open("rb")) as file:
        return Told(_decode(line) for line in file)
