"""The library's own cases, on our tracking; and what ours does besides."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.tests.persistence import TrackingRecorderTestCase

from ledger.postgres import Database
from projections.connecting import connect
from projections.tracking import APPLICATION, ProjectionTracking


class TestProjectionTracking(TrackingRecorderTestCase):
    """`eventsourcing.tests.persistence`: all of its cases for tracking recorders."""

    @pytest.fixture(autouse=True)
    def _connected(self, ledger: Database) -> Iterator[None]:
        with closing(connect(ledger)) as self.connection:
            yield

    def create_recorder(self) -> ProjectionTracking:
        return ProjectionTracking(self.connection, "tested")


@pytest.fixture
def tracking(ledger: Database) -> Iterator[ProjectionTracking]:
    with closing(connect(ledger)) as connection:
        yield ProjectionTracking(connection, "balances")


def test_it_begins_at_zero(tracking: ProjectionTracking) -> None:
    assert tracking.max_tracking_id(APPLICATION) == 0


def test_it_advances_from_where_it_is(tracking: ProjectionTracking) -> None:
    tracking.advance(0, 5)
    tracking.advance(5, 6)

    assert tracking.max_tracking_id(APPLICATION) == 6


@pytest.mark.parametrize("since", [0, 4, 6])
def test_it_advances_from_nowhere_else(tracking: ProjectionTracking, since: int) -> None:
    """Two processes that read the same page don't both write it."""
    tracking.insert_tracking(Tracking(APPLICATION, 5))

    with pytest.raises(IntegrityError):
        tracking.advance(since, 9)


def test_of_two_that_advance_at_once_one_fails(
    ledger: Database, tracking: ProjectionTracking
) -> None:
    failed: list[IntegrityError] = []

    def advance_too() -> None:
        with closing(connect(ledger)) as other:
            try:
                ProjectionTracking(other, "balances").advance(0, 7)
            except IntegrityError as e:
                failed.append(e)

    with closing(connect(ledger)) as first:
        with first.transaction():
            ProjectionTracking(first, "balances").advance(0, 5)
            second = threading.Thread(target=advance_too)
            second.start()  # waits for the row, or comes after: it fails either way
        second.join(timeout=10)

    assert len(failed) == 1
    assert tracking.max_tracking_id(APPLICATION) == 5
