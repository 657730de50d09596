"""The tokens that the command line keeps: a file each, which only its owner reads."""

import os
from pathlib import Path
from typing import Final

import psycopg

from api.actors import FIND, Actor, Role, digest, make_token
from ledger.postgres import Database
from ledger.values.clock import real_now
from scripts.common.ending import CommandError

KEPT: Final = (Role.OPERATOR, Role.APPROVER, Role.AUDITOR)
_GIVEN: Final = "SOUCHE_TOKEN"


def token_file(data: Path, role: Role) -> Path:
    """Where the command line keeps its token for `role`."""
    return data / "tokens" / role.value


def make_missing_tokens(data: Path, database: Database) -> dict[Role, str]:
    """Make the tokens that have no file. Returns them: they are shown once."""
    missing = [role for role in KEPT if not token_file(data, role).exists()]
    if not missing:
        return {}
    token_file(data, missing[0]).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with psycopg.connect(database.owner) as owner:  # kept together, or not at all
        made = {role: make_token(owner, role.value, role, real_now()) for role in missing}
        for role, token in made.items():
            _write_private(token_file(data, role), token)
    return made


def token_of(data: Path, who: Role | None, usual: Role) -> str:
    """The token of a command: of `who` it names, else SOUCHE_TOKEN, else of whom it is usual.

    Raises:
        CommandError: there is none.
    """
    if is_kept(who):
        return read_token(data, who or usual)
    return os.environ[_GIVEN].strip()


def is_kept(who: Role | None) -> bool:
    """Whether a command uses a token of the data folder: of `who` it names, or for want of one."""
    return who is not None or not os.environ.get(_GIVEN)


def read_token(data: Path, role: Role) -> str:
    """The kept token for `role`.

    Raises:
        CommandError: there is none.
    """
    path = token_file(data, role)
    try:
        return path.read_text().strip()
    except FileNotFoundError as e:
        raise CommandError(
            f"There is no token in {path}.",
            f"Make one with `souche init --data '{data}'`, or set SOUCHE_TOKEN.",
        ) from e


def identify(database: Database, token: str) -> Actor:
    """Who a token stands for.

    Raises:
        CommandError: it is unknown to this ledger, or revoked.
    """
    with psycopg.connect(database.writer, autocommit=True) as connection:
        row = connection.execute(FIND, [digest(token)]).fetchone()
    if row is None:
        raise CommandError(
            "The token is unknown to this ledger, or was revoked.",
            "Check SOUCHE_TOKEN; or remove the file in the data folder's `tokens` and run "
            "`souche init` to make another.",
        )
    return Actor(row[0], Role(row[1]))


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
