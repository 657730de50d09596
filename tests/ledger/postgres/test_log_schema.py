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


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"position": 2}, "events_pkey"),
        ({"version": 2}, "events_position"),
        ({"version": 2, "position": 0}, "events_position_positive"),
        ({"version": 2, "position": 2, "state": b"x" * 65_536}, "events_state_size"),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused(
    database: Database, changed: dict[str, object], constraint: str
) -> None:
    insert(database.writer)

    with pytest.raises(psycopg.IntegrityError) as refused:
        insert(database.writer, **changed)
    assert refused.value.diag.constraint_name == constraint


def test_the_largest_event_fits(database: Database) -> None:
    insert(database.writer, state=b"x" * 65_535)


@pytest.mark.parametrize(
    "document",
    [
        {"actor": "ann", "fact": {"submitter": "ann"}},
        {"actor": None, "fact": {"submitter": "ann"}},
        {"actor": "ann", "fact": {"submitter": None}},
        {"actor": "ann", "fact": {}},
        {"actor": "ann"},
        {"fact": {"submitter": "ann"}},
        {"actor": "ann", "fact": "ann", "submitter": "bob"},
        {},
    ],
)
def test_one_person_does_not_submit_and_approve(
    module_database: Database, document: dict[str, object]
) -> None:
    """Nor can either of the two be left out."""
    with pytest.raises(errors.CheckViolation, match="four_eyes"):
        insert(module_database.writer, **approval(**document))


def test_two_persons_do(database: Database) -> None:
    insert(database.writer, **approval(actor="bob", fact={"submitter": "ann"}))


def test_an_approval_that_cannot_be_read_is_refused(module_database: Database) -> None:
    with pytest.raises(errors.InvalidTextRepresentation):
        insert(module_database.writer, topic="payment-run.approved.v1", state=b"not JSON")


def test_no_other_event_is_parsed(database: Database) -> None:
    insert(database.writer, topic="payment-run.drafted.v1", state=b"\xff not JSON")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO log_head VALUES (2, 0, 0, 0)",
        "UPDATE log_head SET size = -1",
        "UPDATE log_head SET size = 3, reference = 4",
        "UPDATE log_head SET reference = -1",
        "UPDATE log_head SET id = 2",
    ],
)
def test_the_head_is_one_plausible_row(module_database: Database, statement: str) -> None:
    with (
        psycopg.connect(module_database.owner) as connection,
        pytest.raises(errors.CheckViolation),
    ):
        connection.execute(statement.encode())


def test_updates_of_the_head_stay_on_its_page(database: Database) -> None:
    """No index entry, no second page: thousands of appends a second update this row."""
    with psycopg.connect(database.writer, autocommit=True) as connection:
        for _ in range(500):
            connection.execute("UPDATE log_head SET size = size + 1")
    with psycopg.connect(database.owner) as connection:
        pages = connection.execute(
            "SELECT pg_relation_size('log_head') / 8192, pg_relation_size('log_head_pkey') / 8192"
        ).fetchone()

    assert pages == (1, 2)


ALLOWED = {
    "writer": {
        "events": {"SELECT", "INSERT"},
        "log_head": {"SELECT", "UPDATE"},
        "refusals": {"SELECT", "INSERT"},
        "spent_nonces": {"SELECT", "INSERT", "DELETE"},
        "api_tokens": {"SELECT"},
        "schema_version": {"SELECT"},
    },
    "projector": {
        "events": {"SELECT"},
        "log_head": {"SELECT"},
        "refusals": {"SELECT"},
        "schema_version": {"SELECT"},
    },
}


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_may_do_what_is_listed_and_nothing_else(
    module_database: Database, role: str
) -> None:
    privileges = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    query = """
        SELECT c.relname, p.name FROM pg_class c, unnest(%s::text[]) AS p(name)
        WHERE c.relnamespace = 'souche'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
          AND has_table_privilege(c.oid, p.name)
    """
    found: dict[str, set[str]] = {}
    with psycopg.connect(getattr(module_database, role)) as connection:
        for table, privilege in connection.execute(query, [privileges]):
            found.setdefault(table, set()).add(privilege)

    assert found == ALLOWED[role]


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_makes_nothing_in_the_ledgers_schema(module_database: Database, role: str) -> None:
    with (
        psycopg.connect(getattr(module_database, role)) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE souche.mine (id int)")


def test_the_projector_makes_and_swaps_read_models(database: Database) -> None:
    with psycopg.connect(database.projector) as connection:
        connection.execute("CREATE TABLE souche_read.balances_2 (id int)")
        connection.execute("ALTER TABLE souche_read.balances_2 RENAME TO balances")
        connection.execute("DROP TABLE souche_read.balances")


def test_a_refusal_is_kept(database: Database) -> None:
    refusal = """
        INSERT INTO refusals (refused_at, command_id, actor, command, reason, detail)
        VALUES (now(), 'c1', 'terminal:T1', 'redeem', 'carnet-expired', '{}') RETURNING id
    """
    with psycopg.connect(database.writer) as connection:
        assert connection.execute(refusal).fetchone() == (1,)


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"role": "admin"}, "api_tokens_role"),
        ({"sha256": b"short"}, "api_tokens_sha256_size"),
        ({"id": "t2"}, "api_tokens_sha256"),
        ({"sha256": b"y" * 32}, "api_tokens_pkey"),
    ],
)
def test_a_token_is_one_callers(
    database: Database, changed: dict[str, object], constraint: str
) -> None:
    token = {"id": "t1", "sha256": b"x" * 32, "role": "operator"}
    statement = """
        INSERT INTO api_tokens (id, sha256, actor, role, created_at)
        VALUES (%(id)s, %(sha256)s, 'ann', %(role)s, now())
    """
    with psycopg.connect(database.owner) as connection:
        connection.execute(statement, token)
        with pytest.raises(psycopg.IntegrityError) as refused:
            connection.execute(statement, {**token, **changed})
    assert refused.value.diag.constraint_name == constraint
