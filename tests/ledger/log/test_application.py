"""The ledger as an application of the library's, on what the writer appended."""

from collections.abc import Iterator
from itertools import islice

import pytest
from eventsourcing.persistence import IntegrityError, Tracking

from ledger.application import Ledger
from ledger.log.mapper import LedgerEvent
from ledger.postgres import Database
from ledger.values.ids import carnet_stream, holder_stream
from tests.builders.facts import assigned, holder_registered, issued, ledger_started
from tests.builders.placing import recorded
from tests.builders.world import REGION, with_changes
from tests.ledger.log.helpers import CHANNEL

HISTORY = [
    recorded(ledger_started()),
    recorded(holder_registered()),
    recorded(issued(1)),
    recorded(issued(2)),
    with_changes(recorded(assigned(1)), {"version": 2}),
]
CARNET = carnet_stream("BFC22-0000001")


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with Ledger.on(database.writer, CHANNEL) as ledger:
        ledger.save(*map(LedgerEvent.of, HISTORY))
        yield ledger


def test_its_configuration_is_the_librarys(database: Database) -> None:
    """Environment variables of any application, ours by their prefix."""
    env = {"LEDGER_LOG_CONNINFO": database.projector, "LOG_CHANNEL": CHANNEL}
    with Ledger(env) as ledger:
        assert ledger.position == 0


def test_without_a_log_it_says_what_is_missing() -> None:
    with pytest.raises(OSError, match="LOG_CONNINFO is not set"):
        Ledger()


def test_it_reads_all_there_is_in_order(ledger: Ledger) -> None:
    assert [(each.position, each.event) for each in ledger.read()] == list(
        enumerate(HISTORY, start=1)
    )


@pytest.mark.parametrize("page", [1, 2, 1_000])
def test_it_reads_any_part(ledger: Ledger, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.notification_log, "section_size", page)
    monkeypatch.setattr(Ledger, "log_section_size", page)

    assert [each.position for each in ledger.read(1, until=4)] == [2, 3, 4]
    assert [each.position for each in ledger.read(until=0)] == []
    assert [each.position for each in ledger.read(until=99)] == [1, 2, 3, 4, 5]
    assert [each.position for each in ledger.read(2, topics=["carnet.issued.v1"])] == [3, 4]


def test_a_streams_history(ledger: Ledger) -> None:
    assert ledger.history(CARNET) == [HISTORY[2], HISTORY[4]]
    assert ledger.history(holder_stream("nobody")) == []


def test_the_notification_log_has_the_stored_bytes(ledger: Ledger) -> None:
    items = ledger.notification_log["1,1000"].items

    assert [(each.id, each.state) for each in items] == [
        (each.position, each.state) for each in ledger.read()
    ]


def test_it_follows(ledger: Ledger) -> None:
    with ledger.follow(after=3) as following:
        told = list(islice(following, 2))
        ledger.save(LedgerEvent.of(recorded(issued(3))))
        told += islice(following, 1)

    assert [tracking for _, tracking in told] == [Tracking("ledger", n) for n in (4, 5, 6)]
    assert told[0][0].originator_id == carnet_stream("BFC22-0000002")


def test_a_version_is_taken_once(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError):
        ledger.save(LedgerEvent.of(recorded(holder_registered(REGION))))
