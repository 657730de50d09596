"""The eventsourcing library's own test cases, on our recorder and on its twin in memory.

Left out, each for its reason:

- `ProcessRecorderTestCase` and the factory's `test_create_process_recorder`: a process recorder
  writes tracking in the transaction that appends events. Ours writes events there and nothing
  else; read models track their position beside themselves. It refuses, and we test that.
- `AggregateRecorderTestCase` on the log: it wants a recorder that numbers nothing. It runs on the
  one that keeps snapshots.
- `TrackingRecorderTestCase`, the `projection` module's cases: a projection brings its own view.
  They run where that is ours, under `tests/projections`; `test_stock_application` has the
  library's own.
- `TranscoderTestCase`, `dcb`: the library's transcoder is not ours, and neither is that other
  kind of log.
"""

from collections.abc import Iterator
from typing import ClassVar, Generic, TypeVar
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    NotSupportedError,
    ProcessRecorder,
    StoredEvent,
    Tracking,
    TrackingRecorder,
)
from eventsourcing.popo import POPOAggregateRecorder, POPOTrackingRecorder
from eventsourcing.tests import application, persistence
from eventsourcing.utils import Environment

from ledger.log.factory import LogFactory
from ledger.log.memory import MemoryRecorder
from ledger.log.recorder import IdType, LogRecorder
from ledger.postgres import Database

R = TypeVar("R", bound=ApplicationRecorder)


def environment(database: Database, id_type: IdType = "uuid") -> dict[str, str]:
    return {
        "PERSISTENCE_MODULE": "ledger.log.factory",
        LogFactory.LOG_CONNINFO: database.writer,
        LogFactory.LOG_CHANNEL: "library_cases",
        LogFactory.ORIGINATOR_ID_TYPE: id_type,
    }


class OnPostgres:
    """A case on a fresh ledger, with ids of one type."""

    id_type: ClassVar[IdType] = "uuid"

    @pytest.fixture(autouse=True)
    def fresh_ledger(self, database: Database) -> Iterator[None]:
        self.factory = LogFactory(environment(database, self.id_type))
        yield
        self.factory.close()

    def create_recorder(self) -> LogRecorder:
        return self.factory.application_recorder()


class InMemory:
    """A case on the twin, which gives ids back as it got them."""

    def create_recorder(self) -> MemoryRecorder:
        return MemoryRecorder()


class TextIds:
    """Ids as they are in the log."""

    id_type: ClassVar[IdType] = "text"

    def new_originator_id(self) -> UUID | str:
        return f"carnet:{uuid4()}"


class ApplicationRecorderCase(persistence.ApplicationRecorderTestCase[R], Generic[R]):
    EXPECT_CONTIGUOUS_NOTIFICATION_IDS = True

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestRecorderWithUuids(OnPostgres, ApplicationRecorderCase[LogRecorder]):
    pass


class TestRecorderWithTexts(TextIds, OnPostgres, ApplicationRecorderCase[LogRecorder]):
    pass


class TestTwinWithUuids(InMemory, ApplicationRecorderCase[MemoryRecorder]):
    pass


class TestTwinWithTexts(TextIds, InMemory, ApplicationRecorderCase[MemoryRecorder]):
    pass


class TestNonInterleavingWithUuids(OnPostgres, persistence.NonInterleavingNotificationIDsBaseCase):
    pass


class TestNonInterleavingWithTexts(
    TextIds, OnPostgres, persistence.NonInterleavingNotificationIDsBaseCase
):
    pass


class TestNonInterleavingTwin(InMemory, persistence.NonInterleavingNotificationIDsBaseCase):
    pass


class TestSnapshots(OnPostgres, persistence.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:  # type: ignore[override]  # not the log
        return self.factory.aggregate_recorder("snapshots")


class ExampleView(POPOTrackingRecorder):
    """A view of somebody's."""


class TestFactory(persistence.InfrastructureFactoryTestCase[LogFactory]):
    test_create_process_recorder = None  # type: ignore[assignment]  # see above

    @pytest.fixture(autouse=True)
    def fresh_ledger(self, database: Database) -> None:
        self.env = Environment(env=environment(database))

    def expected_factory_class(self) -> type[LogFactory]:
        return LogFactory

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return POPOAggregateRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return LogRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return POPOTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return ExampleView

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        raise NotImplementedError


class OurEnvironment:
    """Applications of the library's find our log in the environment, as they would in service."""

    @pytest.fixture(autouse=True)
    def fresh_ledger(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        for key, value in environment(database).items():
            monkeypatch.setenv(key, value)


@pytest.mark.filterwarnings("always:'log' is deprecated")  # which is what one case looks for
class TestApplications(OurEnvironment, application.ApplicationTestCase):
    pass


class TestExampleApplication(OurEnvironment, application.ExampleApplicationTestCase):
    expected_factory_topic = "ledger.log.factory:LogFactory"


def test_a_process_recorder_is_refused(database: Database) -> None:
    """Tracking is never dropped in silence."""
    factory = LogFactory(environment(database))
    recorder = factory.application_recorder()
    event = StoredEvent(uuid4(), 1, "topic", b"state")

    with pytest.raises(NotSupportedError):
        factory.process_recorder()
    with pytest.raises(NotSupportedError):
        recorder.insert_events([event], tracking=Tracking("upstream", 1))
    assert recorder.max_notification_id() is None
    factory.close()
