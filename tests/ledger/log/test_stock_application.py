"""The library is the backbone: a stock application and projection run on our log, unchanged."""

from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError, Tracking, TrackingRecorder
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import get_topic
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from ledger.postgres import Database
from ledger.postgres.roles import Roles
from tests.ledger.log.helpers import CHANNEL

# What anybody would write who has read the library's documentation, and nothing of ours.


class Dog(Aggregate):
    class TrickAdded(Aggregate.Event):
        trick: str

    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event(TrickAdded)
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


class DogSchool(Application[UUID]):
    def register(self, name: str) -> UUID:
        dog = Dog(name)
        self.save(dog)
        return dog.id

    def teach(self, dog_id: UUID, trick: str) -> int:
        dog: Dog = self.repository.get(dog_id)
        dog.add_trick(trick)
        return self.save(dog)[-1].notification.id


class TrickCounts(TrackingRecorder):
    def count(self, trick: str, tracking: Tracking) -> None:
        raise NotImplementedError

    def counted(self, trick: str) -> int:
        raise NotImplementedError


class Tricks(Projection[TrickCounts]):
    topics: tuple[str, ...] = (get_topic(Dog.TrickAdded),)

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # noqa: ANN401
        self.view.insert_tracking(tracking)

    @process_event.register
    def taught(self, domain_event: Dog.TrickAdded, tracking: Tracking) -> None:
        self.view.count(domain_event.trick, tracking)


class CountsInMemory(POPOTrackingRecorder, TrickCounts):
    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}

    def count(self, trick: str, tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self.counts[trick] = self.counted(trick) + 1

    def counted(self, trick: str) -> int:
        return self.counts.get(trick, 0)


class CountsInPostgres(PostgresTrackingRecorder, TrickCounts):
    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(datastore, **kwargs)
        self.table = Identifier(datastore.schema, "trick_counts")
        create = "CREATE TABLE IF NOT EXISTS {} (trick text PRIMARY KEY, counted bigint)"
        self.sql_create_statements.append(SQL(create).format(self.table))

    def count(self, trick: str, tracking: Tracking) -> None:
        insert = (
            "INSERT INTO {} AS kept VALUES (%s, 1)"
            " ON CONFLICT (trick) DO UPDATE SET counted = kept.counted + 1"
        )
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(SQL(insert).format(self.table), [trick])

    def counted(self, trick: str) -> int:
        select = SQL("SELECT counted FROM {} WHERE trick = %s").format(self.table)
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(select, [trick])
            row = cursor.fetchone()
        return row["counted"] if row else 0


# The only thing that is ours: settings.


@pytest.fixture
def env(database: Database) -> dict[str, str]:
    return {
        "PERSISTENCE_MODULE": "ledger.log.factory",
        "LOG_CONNINFO": database.writer,
        "LOG_CHANNEL": CHANNEL,
    }


@pytest.fixture(params=[CountsInMemory, CountsInPostgres])
def view_class(
    request: pytest.FixtureRequest, database: Database, env: dict[str, str]
) -> type[TrickCounts]:
    """A view in memory through our factory, and the library's own in the read schema."""
    if request.param is CountsInPostgres:
        projector = conninfo_to_dict(database.projector)
        password = Path(str(projector["passfile"])).read_text().strip().rpartition(":")[2]
        env |= {
            "TRICKS_PERSISTENCE_MODULE": "eventsourcing.postgres",
            "TRICKS_POSTGRES_DBNAME": str(projector["dbname"]),
            "TRICKS_POSTGRES_HOST": str(projector["host"]),
            "TRICKS_POSTGRES_PORT": str(projector["port"]),
            "TRICKS_POSTGRES_USER": str(projector["user"]),
            "TRICKS_POSTGRES_PASSWORD": password,
            "TRICKS_POSTGRES_SCHEMA": Roles(database.schema).read_schema,
        }
    found: type[TrickCounts] = request.param
    return found


def test_a_stock_application_keeps_its_aggregates_on_our_log(env: dict[str, str]) -> None:
    with DogSchool(env) as school:
        fido = school.register("Fido")
        assert school.teach(fido, "roll over") == 2
        assert school.teach(fido, "play dead") == 3

    with DogSchool(env) as school:
        dog: Dog = school.repository.get(fido)
        assert (dog.name, dog.tricks) == ("Fido", ["roll over", "play dead"])
        assert [each.id for each in school.notification_log["1,10"].items] == [1, 2, 3]


def test_of_two_who_teach_the_same_dog_one_is_told_so(env: dict[str, str]) -> None:
    with DogSchool(env) as school, DogSchool(env) as other:
        fido = school.register("Fido")
        dog: Dog = school.repository.get(fido)
        dog.add_trick("sit")
        other.teach(fido, "roll over")

        with pytest.raises(IntegrityError):
            school.save(dog)


def test_snapshots_are_taken_and_used(env: dict[str, str]) -> None:
    with DogSchool(env | {"IS_SNAPSHOTTING_ENABLED": "y"}) as school:
        fido = school.register("Fido")
        school.teach(fido, "sit")
        school.take_snapshot(fido)
        school.teach(fido, "roll over")

        dog: Dog = school.repository.get(fido)
        assert dog.tricks == ["sit", "roll over"]


def test_a_stock_projection_follows_our_log(
    env: dict[str, str], view_class: type[TrickCounts]
) -> None:
    """What was there, what comes, and what others write meanwhile; each event once."""
    with DogSchool(env) as before:
        before.teach(before.register("Rex"), "sit")
    runner = ProjectionRunner(
        application_class=DogSchool, projection_class=Tricks, view_class=view_class, env=env
    )
    with runner, DogSchool(env) as elsewhere:
        fido = runner.app.register("Fido")
        others = [
            Thread(target=lambda n: elsewhere.teach(elsewhere.register(f"{n}"), "sit"), args=(n,))
            for n in range(20)
        ]
        for thread in others:
            thread.start()
        for thread in others:
            thread.join()
        last = runner.app.teach(fido, "roll over")
        runner.wait(last, timeout=10)

        assert runner.projection.view.counted("sit") == 21
        assert runner.projection.view.counted("roll over") == 1
