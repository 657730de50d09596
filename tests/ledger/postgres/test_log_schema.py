"""What the tables themselves refuse, whoever asks."""

import json

import psycopg
import pytest
from psycopg import errors

from ledger.postgres import Database, PostgresServer

INSERT = """
    INSERT INTO events (originator_id, originator_version, topic, state, notification_id)
    VALUES (%(stream)s, %(version)s, %(topic)s, %(state)s, %(position)s)
"""


def insert(conninfo: str, **changed: object) -> None:
    """Append one valid event, with what `changed` says otherwise."""
    row = {"stream": "carnet:A", "version": 1, "topic": "carnet.issued.v1", "position": 1}
    with psycopg.connect(conninfo) as connection:
        connection.execute(INSERT, {**row, "state": b"{}", **changed})


def approval(**document: object) -> dict[str, object]:
    """What makes an event the approval of a payment run."""
    return {"topic": "payment-run.approved.v1", "state": json.dumps(document).encode()}


def test_the_writer_appends_and_both_readers_read(database: Database) -> None:
    insert(database.writer)

    for conninfo in (database.owner, database.writer, database.projector):
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)


@pytest.mark.parametrize("role", ["owner", "writer", "projector"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET topic = 'x'",
        "UPDATE events SET topic = 'x' WHERE false",
        "DELETE FROM events",
        "TRUNCATE events",
        "TRUNCATE events CASCADE",
        """INSERT INTO events VALUES ('carnet:A', 1, 't', '', 1)
           ON CONFLICT (notification_id) DO UPDATE SET topic = 'x'""",
        """MERGE INTO events USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE""",
    ],
)
def test_nobody_changes_the_log(module_database: Database, role: str, statement: str) -> None:
    """For the writer and the projector it is a privilege they lack, for the owner a trigger."""
    with (
        psycopg.connect(getattr(module_database, role)) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_not_even_in_a_session_that_plays_a_replica(
    database: Database, postgres_server: PostgresServer
) -> None:
    """Only a superuser may do that, and ordinary triggers don't fire for him."""
    insert(database.writer)
    dbname = psycopg.conninfo.conninfo_to_dict(database.owner)["dbname"]
    admin = postgres_server.conninfo(dbname=str(dbname))
    with (
        psycopg.connect(admin, options="-c session_replication_role=replica") as connection,
        pytest.raises(errors.InsufficientPrivilege, match="only grows"),
    ):
        connection.execute("DELETE FROM souche.events")
