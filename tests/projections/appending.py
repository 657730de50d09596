"""Appends events as they are given, without deciding: histories for read models."""

from collections import Counter
from collections.abc import Iterable

import msgspec
import psycopg

from ledger.facts import AnyFact, Event
from ledger.log.arrays import Blobs, Numbers, Texts
from ledger.log.rows import APPEND, Rows
from ledger.postgres import Database
from tests.builders.placing import recorded


class Appender:
    """One writer on a ledger of its own. Each call is one durable append."""

    def __init__(self, database: Database) -> None:
        self._connection = psycopg.connect(database.writer, autocommit=True)
        self._channel = f"{database.schema}_log"
        self._versions: Counter[str] = Counter()
        self.size = 0

    def append(self, *history: AnyFact | Event) -> int:
        """Append them all at once, and announce it. Returns the position of the last."""
        rows = Rows()
        for event in self._placed(history):
            rows.add(event)
        parameters = rows.parameters(0)
        row = self._connection.execute(APPEND, parameters).fetchone()
        assert row is not None
        self._connection.execute(f'NOTIFY "{self._channel}"')
        self.size = int(row[0]) + len(rows)
        return self.size

    def append_raw(self, topic: str, state: bytes) -> int:
        """Append bytes that may be no event at all."""
        rows = Rows(Texts([f"raw:{self.size}"]), Numbers([1]), Texts([topic]), Blobs([state]))
        parameters = rows.parameters(0)
        row = self._connection.execute(APPEND, parameters).fetchone()
        assert row is not None
        self.size = int(row[0]) + 1
        return self.size

    def close(self) -> None:
        self._connection.close()

    def _placed(self, history: Iterable[AnyFact | Event]) -> Iterable[Event]:
        for item in history:
            event = item if isinstance(item, Event) else recorded(item)
            self._versions[event.stream] += 1
            yield msgspec.structs.replace(event, version=self._versions[event.stream])
