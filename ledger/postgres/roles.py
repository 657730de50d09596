"""Three roles a ledger: its owner migrates, its writer appends, its projector reads.

Roles belong to a whole PostgreSQL server, so they carry the name of the ledger's schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from ledger.postgres.errors import PostgresUnavailableError


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of one ledger in PostgreSQL."""

    schema: str = "souche"

    @property
    def read_schema(self) -> str:
        """Where the read models are; it belongs to the projector."""
        return f"{self.schema}_read"

    @property
    def owner(self) -> str:
        """Owns the schema. On somebody else's server, whatever login we were given."""
        return f"{self.schema}_owner"

    @property
    def writer(self) -> str:
        """Appends to the log; can't change it."""
        return f"{self.schema}_writer"

    @property
    def projector(self) -> str:
        """Reads the log; owns the read models."""
        return f"{self.schema}_projector"


def create_logins(connection: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Create each role with its password, or set its password again. Needs a superuser.

    The server gets a SCRAM verifier, never the password.
    """
    for role, password in passwords.items():
        verifier = connection.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        _create(connection, role, sql.SQL("LOGIN"))
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
        )


def create_assumed(connection: psycopg.Connection, roles: Roles) -> None:
    """Create the writer and the projector as roles that the connected login may assume.

    Raises:
        PostgresUnavailableError: the login may not create roles; the message says which
            statements an administrator has to run.
    """
    names = (roles.writer, roles.projector)
    try:
        for role in names:
            _create(connection, role, sql.SQL("NOLOGIN"))
            assumed = connection.execute(
                "SELECT pg_has_role(session_user, %s, 'MEMBER')", [role]
            ).fetchone()
            if assumed != (True,):
                connection.execute(sql.SQL("GRANT {} TO SESSION_USER").format(sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege as e:
        login = connection.info.user
        statements = "\n".join(
            f'  CREATE ROLE "{role}" NOLOGIN; GRANT "{role}" TO "{login}";' for role in names
        )
        raise PostgresUnavailableError(
            f"{login} may not create the ledger's roles. Let an administrator run\n{statements}"
        ) from e


def allow_read_schema(connection: psycopg.Connection, roles: Roles) -> None:
    """Let the owner make a schema that belongs to the projector."""
    connection.execute(
        sql.SQL("GRANT {} TO {}").format(
            sql.Identifier(roles.projector), sql.Identifier(roles.owner)
        )
    )


def _create(connection: psycopg.Connection, role: str, kind: sql.SQL) -> None:
    found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if found is None:
        connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), kind))
