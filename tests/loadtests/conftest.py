"""Yardsticks and comparisons have schemas of their own, in the ledger's database."""

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger.postgres import Database, PostgresServer
from tests.postgres_fixtures import ROLES, NewDatabase


@pytest.fixture(scope="session")
def new_database(new_database: NewDatabase, postgres_server: PostgresServer) -> NewDatabase:
    """Makes a fresh ledger whose owner may make schemas. The copy of a database lacks that."""

    def make() -> Database:
        found = new_database()
        name = str(conninfo_to_dict(found.owner)["dbname"])
        with psycopg.connect(postgres_server.conninfo(), autocommit=True) as admin:
            admin.execute(
                sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(
                    sql.Identifier(name), sql.Identifier(ROLES.owner)
                )
            )
        return found

    return make
