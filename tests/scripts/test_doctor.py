"""The doctor and the rebuild: what they find, and how they say so."""

import json
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.postgres import Database, PostgresServer
from projections.connecting import connect
from tests.scripts.running import Souche

Findings = dict[str, dict[str, str]]


def examine(souche: Souche) -> tuple[int, Findings]:
    """The exit code, and what was found by what it is about."""
    said = souche.run("doctor", "--json")
    return said.code, {each["about"]: each for each in json.loads(said.out)}


@pytest.fixture(scope="module")
def founded(souche: Souche) -> Souche:
    """With something in the books."""
    souche.do("programme", "preset", "bfc22", "--open")
    souche.do("programme", "fund", "BFC22", "2022", "order", "M-1", "anct=100")
    souche.do("balances")
    return souche


def test_a_server_that_does_not_wait_for_the_disk_is_bad(founded: Souche) -> None:
    """As the server of these tests is."""
    code, findings = examine(founded)

    assert code == 1
    assert findings["fsync"]["verdict"] == "bad"
    assert findings["synchronous_commit"]["verdict"] == "warning"  # the service does wait
    assert findings["full_page_writes"]["verdict"] == "good"


def test_a_given_server_that_may_lose_redemptions_is_looked_at_and_not_used(
    founded: Souche,
) -> None:
    url = PostgresServer(founded.data).conninfo(dbname="souche")

    examined = founded.run("doctor", "--json", SOUCHE_DATABASE_URL=url)
    begun = founded.run("init", SOUCHE_DATABASE_URL=url)

    findings = {each["about"]: each for each in json.loads(examined.out)}
    assert findings["fsync"]["verdict"] == "bad"
    assert begun.code == 3
    assert "set fsync = on in postgresql.conf" in " ".join(begun.err.split())


@pytest.mark.parametrize(
    "whose",
    [
        'DATABASE "souche"',
        'ROLE "souche_writer"',
        'ROLE "souche_writer" IN DATABASE "souche"',
    ],
)
def test_who_turned_off_waiting_for_the_disk_is_named(founded: Souche, whose: str) -> None:
    with psycopg.connect(
        PostgresServer(founded.data).conninfo(dbname="souche"), autocommit=True
    ) as admin:
        admin.execute(f"ALTER {whose} SET synchronous_commit = off".encode())
        try:
            _, findings = examine(founded)
        finally:
            admin.execute(f"ALTER {whose} RESET synchronous_commit".encode())

    assert findings["synchronous_commit"]["verdict"] == "warning"
    assert f"ALTER {whose} RESET synchronous_commit" in findings["synchronous_commit"]["advice"]


def test_a_connection_that_asks_not_to_wait_for_the_disk_is_bad(founded: Souche) -> None:
    """The service takes its word."""
    url = make_conninfo(
        PostgresServer(founded.data).conninfo(dbname="souche"), options="-c synchronous_commit=off"
    )
    said = founded.run("doctor", "--json", SOUCHE_DATABASE_URL=url)
    findings = {each["about"]: each for each in json.loads(said.out)}

    assert findings["synchronous_commit"]["found"] == "off (client)"
    assert findings["synchronous_commit"]["verdict"] == "bad"


def test_everything_else_of_a_new_ledger_is_good(founded: Souche) -> None:
    _, findings = examine(founded)

    bad = {about for about, each in findings.items() if each["verdict"] == "bad"}
    assert bad == {"fsync"}
    assert findings["first fact"]["verdict"] == "warning"  # a demo's
    assert findings["the writer's role"]["found"] == "can't change the log"


def test_secrets_that_others_can_read_are_bad(founded: Souche) -> None:
    path = founded.data / "secrets" / "session.key"
    path.chmod(0o644)
    try:
        _, findings = examine(founded)
    finally:
        path.chmod(0o600)

    assert findings["secret session.key"]["verdict"] == "bad"
    assert "chmod 600" in findings["secret session.key"]["advice"]


def test_a_role_that_may_change_the_log_is_bad(
    founded: Souche, database: tuple[Path, Database]
) -> None:
    with psycopg.connect(database[1].owner, autocommit=True) as owner:
        owner.execute("GRANT UPDATE ON events TO souche_writer")
        try:
            _, findings = examine(founded)
        finally:
            owner.execute("REVOKE UPDATE ON events FROM souche_writer")

    assert findings["the writer's role"]["found"] == "may UPDATE events"


def test_a_sleeping_trigger_is_bad(founded: Souche, database: tuple[Path, Database]) -> None:
    with psycopg.connect(database[1].owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE events DISABLE TRIGGER events_only_grow")
        try:
            _, findings = examine(founded)
        finally:
            owner.execute("ALTER TABLE events ENABLE ALWAYS TRIGGER events_only_grow")

    assert findings["the log's trigger"]["verdict"] == "bad"


def test_a_stopped_read_model_is_bad(founded: Souche, database: tuple[Path, Database]) -> None:
    stop = "UPDATE projection_states SET stopped_at = 2, stopped_because = 'a test'"
    with connect(database[1]) as projector:
        projector.execute(f"{stop} WHERE projection = 'payouts'")
        try:
            _, findings = examine(founded)
        finally:
            projector.execute(
                "UPDATE projection_states SET stopped_at = NULL, stopped_because = NULL"
            )

    assert "stopped at position 2" in findings["read model payouts"]["found"]


def test_a_ledger_that_nobody_serves_is_warned_of(founded: Souche) -> None:
    _, findings = examine(founded)

    assert findings["service"]["verdict"] == "warning"
    assert findings["service"]["found"] == "no service runs on this folder on this host"
    assert "start it with `souche serve`" in findings["service"]["advice"]


def test_status_says_that_no_terminal_can_redeem(founded: Souche) -> None:
    told = founded.do("status")

    assert founded.look("status")["service"] is None
    assert "Service: no service runs on this folder on this host. No terminal can redeem" in told


def test_people_are_told_what_to_do(founded: Souche) -> None:
    said = founded.run("doctor")

    assert said.code == 1
    assert "Set fsync = on" in said.out
    assert "checks are bad" in said.out


def test_a_read_model_that_was_changed_is_found_and_made_anew(
    founded: Souche, database: tuple[Path, Database]
) -> None:
    with connect(database[1]) as projector:
        projector.execute("UPDATE account_balances SET balance_cents = balance_cents + 1")

    compared = founded.run("rebuild", "--check", "--json")
    (difference,) = json.loads(compared.out)["differences"]
    founded.do("rebuild", "balances")

    assert compared.code == 1
    assert difference["table"] == "account_balances"
    assert founded.look("rebuild", "--check")["differences"] == []
    assert founded.look("balances")["balanced"]
