"""Another command on the same data folder: runs a server until its standard input ends.

    python -m tests.ledger.postgres.child FOLDER [UID]

It prints one line of JSON when the server is ready, {"pid": …} with null when it attached
to one, or {"error": …}. With a UID, root becomes that user first.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

from ledger.postgres import PostgresServer, PostgresUnavailableError, tether
from ledger.postgres.accounts import Account
from ledger.postgres.binaries import find_binaries
from ledger.postgres.install import reachable_by
from tests.installation import prefer_named

OTHER_PYTHON = "/usr/bin/python3"  # where ours is in somebody's home
FAST = {"fsync": "off", "shared_buffers": "16MB"}


def main(folder: Path, uid: int | None) -> None:
    """Run, report, wait."""
    prefer_named()
    binaries = find_binaries()
    if uid is not None:
        user = Account("test", uid, uid)
        binaries = reachable_by(user, binaries)
        become(user, folder)
    try:
        with PostgresServer(folder, settings=FAST, binaries=binaries) as server:
            say({"pid": server.pid})
            sys.stdin.read()
    except PostgresUnavailableError as e:
        say({"error": str(e)})


def become(user: Account, folder: Path) -> None:
    """Become `user`, also if this interpreter and this checkout are out of his reach."""
    psycopg.pq.PGconn.ping(b"host=/nowhere")  # loads what it needs, while we can
    if not user.can_enter(Path(tether.__file__).parent):
        tether.__file__ = shutil.copy(tether.__file__, str(folder))
    if not runs(sys.executable, user):
        sys.executable = OTHER_PYTHON
    os.setgroups([])
    os.setgid(user.gid)
    os.setuid(user.uid)
    os.chdir("/")


def runs(python: str, user: Account) -> bool:
    """Whether `user` can run that interpreter."""
    try:
        subprocess.run([python, "-ISc", ""], check=True, capture_output=True, **user.identity())
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def say(words: dict[str, object]) -> None:
    """Tell the test."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
