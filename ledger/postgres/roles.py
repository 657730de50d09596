"""Three roles a ledger: its owner migrates, its writer appends, its projector reads.

Roles belong to a whole PostgreSQL server, so they carry the name of the ledger's schema.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import psycopg
from psycopg import errors, sql

from ledger.postgres.errors import PostgresUnavailableError

# Two writers at one stream is an ordinary day: the loser hears of it and tries again. PostgreSQL
# can't leave that out of its log without leaving out damaged pages and full disks as well, which
# are of the same level. So each is one line of 140 bytes instead of 1,200: four processes that
# race for the same 3,000 tickets leave some sixty of them.
WRITERS_ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "log_min_messages": "warning",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
)


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of one ledger in PostgreSQL."""

    schema: str = "souche"

    def __post_init__(self) -> None:
        """Keep to names that need no quotes, and that leave room for a suffix in 63 bytes."""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", self.schema):
            raise ValueError(f"not a name for a ledger's schema: {self.schema!r}")

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


def create_logins(
    connection: psycopg.Connection, roles: Roles, passwords: Mapping[str, str]
) -> None:
    """Create each role with its password, or set its password again. Needs a superuser.

    The server gets SCRAM verifiers, never the passwords.
    """
    for role in (roles.owner, roles.writer, roles.projector):
        verifier = connection.pgconn.encrypt_password(
            passwords[role].encode(), role.encode(), b"scram-sha-256"
        )
        _create(connection, role)
        connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(verifier.decode())
            )
        )
    # The owner makes a schema that belongs to the projector.
    connection.execute(
        sql.SQL("GRANT {} TO {}").format(
            sql.Identifier(roles.projector), sql.Identifier(roles.owner)
        )
    )
    for name, value in WRITERS_ERRORS.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(roles.writer), sql.Identifier(name), sql.Literal(value)
            )
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
            _create(connection, role)
            if not _may_assume(connection, role):
                connection.execute(sql.SQL("GRANT {} TO SESSION_USER").format(sql.Identifier(role)))
    except errors.InsufficientPrivilege as e:
        login = connection.info.user
        statements = "\n".join(
            f'  CREATE ROLE "{role}" NOLOGIN; GRANT "{role}" TO "{login}";' for role in names
        )
        raise PostgresUnavailableError(
            f"{login} may not create the ledger's roles. Let an administrator run\n{statements}"
        ) from e


def _create(connection: psycopg.Connection, role: str) -> None:
    found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if found is None:
        try:
            with connection.transaction():
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        except (errors.DuplicateObject, errors.UniqueViolation):
            return  # another process was quicker


def _may_assume(connection: psycopg.Connection, role: str) -> bool:
    """Try it: what membership allows depends on PostgreSQL's version and on its options."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    except errors.InsufficientPrivilege:
        return False
    return True
