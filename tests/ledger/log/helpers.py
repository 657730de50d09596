"""Events as small as they come, and a look at the log's head from outside."""

import psycopg
from eventsourcing.persistence import JSONTranscoder, StoredEvent

from ledger.facts import AnyFact
from ledger.log.mapper import FactMapper, LedgerEvent
from ledger.log.rows import Head
from ledger.postgres import Database
from tests.builders.placing import recorded

CHANNEL = "souche_log"
MAPPER = FactMapper(JSONTranscoder())


def opaque(stream: str = "a", version: int = 1, topic: str = "topic") -> StoredEvent:
    """An event that isn't one of ours."""
    return StoredEvent(stream, version, topic, b"anything")


def ours(fact: AnyFact) -> StoredEvent:
    """The first event of its stream, as the log stores it."""
    return MAPPER.to_stored_event(LedgerEvent.of(recorded(fact)))


def head_of(database: Database) -> Head:
    with psycopg.connect(database.owner) as connection:
        row = connection.execute("SELECT size, minute, reference FROM log_head").fetchone()
    assert row is not None
    return Head(*row)
