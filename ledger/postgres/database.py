"""A migrated database for a ledger: somebody's PostgreSQL, else our own."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.postgres.errors import PostgresUnavailableError
from ledger.postgres.migrations import migrate
from ledger.postgres.passwords import ensure_password
from ledger.postgres.roles import Roles, create_assumed, create_logins
from ledger.postgres.server import PostgresServer, Progress

OLDEST = 150000  # server_version_num
ATTEMPTS = 5  # a server that we attach to may be on its way down; it comes back


@dataclass(frozen=True, slots=True)
class Database:
    """How to reach one ledger: a connection string for each role, and its schema.

    Every connection made with them is READ COMMITTED and looks in `schema` first.
    """

    owner: str = field(repr=False)  # repr=False: one that was given to us may hold a password
    writer: str = field(repr=False)
    projector: str = field(repr=False)
    schema: str = "souche"

    @property
    def channel(self) -> str:
        """Where appends are announced to those who follow the log."""
        return f"{self.schema}_log"


@contextmanager
def open_database(
    data_folder: Path,
    url: str | None = None,
    *,
    schema: str = "souche",
    settings: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    accept_losses: bool = False,
) -> Iterator[Database]:
    """A database that is up and migrated, until the block ends.

    `url`, else `SOUCHE_DATABASE_URL`: the owner's connection string to a PostgreSQL that
    runs already. Without one, the wheel's PostgreSQL is run on `data_folder`, or one that
    is installed on the machine. `settings` are for that server, over our own. One that was
    given has to keep what it acknowledges, unless the caller is there to look and says so:
    `accept_losses`. Ours does, unless whoever starts it has it otherwise by `settings`.

    Raises:
        PostgresUnavailableError: there is no database to be had, or none that a power cut
            leaves as it was; the message says why.
        MigrationRefusedError: its schema isn't one that this code can bring up to date.
    """
    url = url or os.environ.get("SOUCHE_DATABASE_URL")
    roles = Roles(schema)
    if url:
        yield connect_given(url, roles, accept_losses=accept_losses)
        return
    with PostgresServer(data_folder, settings=settings, progress=progress) as server:
        yield prepare_embedded(server, roles)


def prepare_embedded(server: PostgresServer, roles: Roles, dbname: str = "souche") -> Database:
    """Create what is missing of a ledger on our own server: roles, database, schema.

    Raises:
        PostgresUnavailableError: it kept going down, or others use what a migration changes.
        MigrationRefusedError: the schema isn't one that this code can bring up to date.
    """
    found = embedded_database(server, roles, dbname)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with psycopg.connect(server.conninfo(), autocommit=True) as admin:
                _create_missing(admin, server, roles, dbname)
            migrate(found.owner, roles)
        except psycopg.OperationalError as e:
            if attempt == ATTEMPTS or not server.wait_until_ready(seconds=30):
                raise PostgresUnavailableError(
                    f"The database in {server.places.home} can't be prepared: {e}"
                ) from e
        else:
            break
    return found


def embedded_database(server: PostgresServer, roles: Roles, dbname: str) -> Database:
    """How to reach the ledger in `dbname` on our own server."""
    return Database(
        owner=_with_options(server.conninfo(roles.owner, dbname), roles, "owner"),
        writer=_with_options(server.conninfo(roles.writer, dbname), roles, "writer"),
        projector=_with_options(server.conninfo(roles.projector, dbname), roles, "projector"),
        schema=roles.schema,
    )


def connect_given(url: str, roles: Roles, *, accept_losses: bool = False) -> Database:
    """Prepare a ledger on somebody else's server, as the login in `url`.

    That login assumes the writer's and the projector's roles. `SOUCHE_WRITER_URL` and
    `SOUCHE_PROJECTOR_URL` may name other logins, which are members of those roles.

    Raises:
        PostgresUnavailableError: it can't be used; or a power cut would take what it
            acknowledged, and the caller doesn't accept that.
    """
    writer = os.environ.get("SOUCHE_WRITER_URL") or url
    projector = os.environ.get("SOUCHE_PROJECTOR_URL") or url
    _require_readable(
        SOUCHE_DATABASE_URL=url, SOUCHE_WRITER_URL=writer, SOUCHE_PROJECTOR_URL=projector
    )
    owner = _with_options(url, roles, "owner")
    try:
        with psycopg.connect(owner, autocommit=True) as connection:
            if connection.info.server_version < OLDEST:
                raise PostgresUnavailableError(
                    f"SOUCHE_DATABASE_URL leads to PostgreSQL "
                    f"{connection.info.server_version // 10_000}; name one of 15 or later."
                )
            if not accept_losses:
                _require_durable(connection)
            create_assumed(connection, roles)
        migrate(owner, roles)
    except psycopg.OperationalError as e:
        raise PostgresUnavailableError(
            f"The database at SOUCHE_DATABASE_URL can't be used: {e}"
        ) from e
    except psycopg.errors.InsufficientPrivilege as e:
        raise PostgresUnavailableError(
            f"The login in SOUCHE_DATABASE_URL has to own the ledger, or be allowed to make "
            f"schemas: {e}"
        ) from e
    return Database(
        owner=owner,
        writer=_with_options(writer, roles, "writer", roles.writer),
        projector=_with_options(projector, roles, "projector", roles.projector),
        schema=roles.schema,
    )


def _require_readable(**urls: str) -> None:
    for name, url in urls.items():
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # Not with its words: they repeat the string, which may hold a password.
            raise PostgresUnavailableError(
                f"{name} can't be read. It is like postgresql://login@host/database, and special "
                f"characters in a password are written as %40 and the like."
            ) from None


def _require_durable(connection: psycopg.Connection) -> None:
    """Refuse a server without fsync, which no session can turn on for itself.

    Without full_page_writes it may be as safe, on a file system that tears no pages.
    """
    if connection.execute("SELECT current_setting('fsync')").fetchone() != ("on",):
        raise PostgresUnavailableError(
            "The PostgreSQL at SOUCHE_DATABASE_URL runs with fsync = off: a power cut would take "
            "redemptions that were acknowledged. Let its administrator set fsync = on in "
            "postgresql.conf, reload it (SELECT pg_reload_conf()), then run `sync` on its machine: "
            "what was written before may not be on its disk."
        )


def _with_options(conninfo: str, roles: Roles, purpose: str, role: str | None = None) -> str:
    """`conninfo` with what every session of this ledger sets."""
    settings = {
        "search_path": sql.Identifier(roles.schema).as_string(),
        "default_transaction_isolation": "read committed",
    }
    if role is not None:
        settings["role"] = role
    given = conninfo_to_dict(conninfo).get("options")
    options = [str(given)] if given else []
    options += [f"-c {name}={_escaped(value)}" for name, value in settings.items()]
    return make_conninfo(
        conninfo, options=" ".join(options), application_name=f"{roles.schema}-{purpose}"
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _create_missing(
    admin: psycopg.Connection, server: PostgresServer, roles: Roles, dbname: str
) -> None:
    # One command at a time, until this connection ends.
    admin.execute("SELECT pg_advisory_lock(hashtext('souche roles and databases'))")
    secrets = server.places.secrets
    names = (roles.owner, roles.writer, roles.projector)
    create_logins(admin, roles, {name: ensure_password(secrets, name) for name in names})
    found = admin.execute("SELECT FROM pg_database WHERE datname = %s", [dbname]).fetchone()
    if found is None:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(dbname)))
    # For its schemas. It doesn't own the database, which other ledgers may share.
    admin.execute(
        sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(
            sql.Identifier(dbname), sql.Identifier(roles.owner)
        )
    )
