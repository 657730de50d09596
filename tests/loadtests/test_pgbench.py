from pathlib import Path

import psycopg
import pytest

from ledger.postgres import Database
from ledger.postgres.binaries import find_binaries
from loadtests.pgbench import PgbenchError, insert_rate, insert_table

COUNT = "SELECT count(*), min(length(payload)), max(length(payload)) FROM loadtest.inserts"


@pytest.fixture
def pgbench() -> Path:
    return find_binaries().path("pgbench")


def test_the_rate_is_that_of_rows_really_inserted(database: Database, pgbench: Path) -> None:
    with insert_table(database.owner):
        rate = insert_rate(pgbench, database.owner, clients=2, seconds=1)
        with psycopg.connect(database.owner) as connection:
            rows, shortest, longest = connection.execute(COUNT).fetchone() or (0, 0, 0)

    assert (shortest, longest) == (250, 250)
    assert rate == pytest.approx(rows, rel=0.3)


def test_the_table_is_gone_afterwards(database: Database) -> None:
    with insert_table(database.owner):
        pass

    with psycopg.connect(database.owner) as connection:
        found = connection.execute("SELECT to_regnamespace('loadtest')").fetchone()
    assert found == (None,)


def test_a_run_that_inserts_nothing_has_no_rate(database: Database, pgbench: Path) -> None:
    with pytest.raises(PgbenchError, match="loadtest"):
        insert_rate(pgbench, database.owner, clients=1, seconds=1)
