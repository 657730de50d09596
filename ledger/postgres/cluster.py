"""A new PostgreSQL data folder: there whole or not at all."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ledger.postgres.binaries import Binaries
from ledger.postgres.errors import PostgresUnavailableError
from ledger.postgres.passwords import ensure_password, write_private
from ledger.postgres.places import Places, give
from ledger.secrets import sync_folder

ADMIN = "postgres"  # the superuser, for this package alone; ledgers have roles of their own

# What sorts and compares text must not change with the C library's next release.
BUILTIN_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
PLAIN_LOCALE = ("--locale=C",)
BUILTIN_SINCE = 17


def create_cluster(places: Places, binaries: Binaries, lock: int) -> None:
    """Run `initdb`, as the account that will run the server.

    Killed half-way, it leaves a draft that the next call removes. `lock` is the lock that
    the caller holds; `initdb` inherits it, so that there is no next call while it runs.

    Raises:
        PostgresUnavailableError: `initdb` failed; the message has what it said.
    """
    for leftover in places.home.glob("data.draft-*"):
        shutil.rmtree(leftover)
    draft = Path(tempfile.mkdtemp(prefix="data.draft-", dir=places.home))
    draft.chmod(0o711)  # ours; what initdb fills is inside, as is what it may read
    (draft / "data").mkdir(mode=0o700)
    write_private(draft / "password", ensure_password(places.secrets, ADMIN))
    give(draft / "data", places.account)
    give(draft / "password", places.account)
    _initdb(places, binaries, draft, lock)
    (draft / "data").rename(places.data)
    shutil.rmtree(draft)
    sync_folder(places.home)
    sync_folder(places.home.parent)


def _initdb(places: Places, binaries: Binaries, draft: Path, lock: int) -> None:
    locale = BUILTIN_LOCALE if binaries.major >= BUILTIN_SINCE else PLAIN_LOCALE
    command = [
        str(binaries.path("initdb")),
        f"--pgdata={draft / 'data'}",
        f"--username={ADMIN}",
        f"--pwfile={draft / 'password'}",
        "--auth-local=scram-sha-256",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--data-checksums",
        *locale,
    ]
    run = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd="/",
        env=child_environment(),
        umask=0o077,
        pass_fds=(lock,),
        **places.account.identity(),
    )
    if run.returncode != 0:
        raise PostgresUnavailableError(
            f"PostgreSQL's initdb failed on {places.home}:\n{run.stdout.strip()}"
        )


def child_environment() -> dict[str, str]:
    """Little: our secrets are none of PostgreSQL's business, and PG* variables would steer it."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return {**environment, "LC_ALL": "C", "TZ": "UTC"}
