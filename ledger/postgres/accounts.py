"""Who runs PostgreSQL: ourselves, or an unprivileged account when we are root.

PostgreSQL refuses to run as root, and rightly. We create no account: one that
exists already is used, named by `SOUCHE_POSTGRES_ACCOUNT` or `postgres` or `nobody`.
"""

import os
import pwd
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ledger.postgres.errors import PostgresUnavailableError

SETTING = "SOUCHE_POSTGRES_ACCOUNT"
USUAL = ("postgres", "nobody")


class Identity(TypedDict, total=False):
    """The part of `subprocess.Popen`'s arguments that says who runs a child."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        """Whether this process runs as that account."""
        return self.uid == os.geteuid()

    def identity(self) -> Identity:
        """What to tell `subprocess`; nothing when a child is that account anyway."""
        if self.is_us:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Whether this account can reach `folder` through all of its parents.

        Tried, not computed: permission bits don't tell about ACLs and mounts.
        """
        command = ["/bin/sh", "-c", 'cd -- "$0"', str(folder)]
        run = subprocess.run(command, capture_output=True, check=False, **self.identity())
        return run.returncode == 0


def account_for(data: Path) -> Account:
    """The account that runs PostgreSQL on `data`, which may not exist yet.

    Raises:
        PostgresUnavailableError: no suitable account, or `data` belongs to another one.
    """
    chosen = _ours() if os.geteuid() != 0 else _unprivileged()
    owner = data.stat().st_uid if data.exists() else chosen.uid
    if owner == chosen.uid:
        return chosen
    if os.geteuid() == 0 and owner != 0 and SETTING not in os.environ:
        return _of_uid(owner)  # whoever made the data keeps them
    if owner == 0:
        raise PostgresUnavailableError(
            f"The database in {data} belongs to root, as whom PostgreSQL doesn't run: it was "
            f"copied or restored by root, perhaps. Give it back to the account that had it, as by "
            f"chown -R {chosen.name}: {shlex.quote(str(data))}"
        )
    raise PostgresUnavailableError(
        f"The database in {data} belongs to {_name(owner)}, and would be run as {chosen.name}. "
        f"Run this as {_name(owner)} or as root, or correct {SETTING}."
    )


def _ours() -> Account:
    return Account(_name(os.geteuid()), os.geteuid(), os.getegid())


def _unprivileged() -> Account:
    named = os.environ.get(SETTING)
    for name in (named,) if named else USUAL:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise PostgresUnavailableError(
        f"PostgreSQL doesn't run as root, and there is no unprivileged account "
        f"{named or ' or '.join(USUAL)!r} to run it as. Run this as an ordinary user, "
        f"or name an account in {SETTING}."
    )


def _of_uid(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as e:
        raise PostgresUnavailableError(
            f"The database belongs to uid {uid}, which no account on this machine has."
        ) from e
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
