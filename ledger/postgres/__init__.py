"""PostgreSQL for a ledger: find one or run our own, migrate it, hand out its three roles."""

from ledger.postgres.database import Database, open_database
from ledger.postgres.errors import MigrationRefusedError, PostgresUnavailableError
from ledger.postgres.server import PostgresServer

__all__ = [
    "Database",
    "MigrationRefusedError",
    "PostgresServer",
    "PostgresUnavailableError",
    "open_database",
]
