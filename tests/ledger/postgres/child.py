"""Another command on the same data folder: runs a server until its standard input ends.

    python -m tests.ledger.postgres.child FOLDER [UID]

It prints one line of JSON when the server is ready, {"pid": …} with null when it attached
to one, or {"error": …}. With a UID, root becomes that user first.
"""

import json
import os
import sys
from pathlib import Path

import psycopg

from ledger.postgres import PostgresServer, PostgresUnavailableError
from ledger.postgres.accounts import Account
from ledger.postgres.binaries import find_binaries
from ledger.postgres.install import reachable_by

FAST = {"fsync": "off", "shared_buffers": "16MB"}


def main(folder: Path, uid: int | None) -> None:
    """Run, report, wait."""
    binaries = find_binaries()
    if uid is not None:
        # Imported and found before: the interpreter may be out of that user's reach.
        binaries = reachable_by(Account("test", uid, uid), binaries)
        psycopg.pq.PGconn.ping(b"host=/nowhere")
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        os.chdir("/")
    try:
        with PostgresServer(folder, settings=FAST, binaries=binaries) as server:
            say({"pid": server.pid})
            sys.stdin.read()
    except PostgresUnavailableError as e:
        say({"error": str(e)})


def say(words: dict[str, object]) -> None:
    """Tell the test."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
