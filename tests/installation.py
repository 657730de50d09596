"""The PostgreSQL that the tests run on: what comes along, or what `SOUCHE_TEST_POSTGRES` names.

That is the folder with its programs, such as /usr/lib/postgresql/15/bin. Every server that a test
starts is of that version; one that a command of ours starts, in a process of its own, is not.
"""

import os
from functools import wraps
from pathlib import Path
from unittest.mock import patch

from ledger.postgres import PostgresUnavailableError, binaries
from ledger.postgres.binaries import Binaries, installations

NAMED = os.environ.get("SOUCHE_TEST_POSTGRES")


def prefer_named() -> None:
    """Let this process find that one first; the others still open the data that they wrote.

    Raises:
        PostgresUnavailableError: it can't be run, or is too old.
    """
    if not NAMED:
        return
    named = binaries._look_at(Path(NAMED).resolve(), wheel=False)
    if named is None:
        raise PostgresUnavailableError(
            f"SOUCHE_TEST_POSTGRES names {NAMED}, where there is no PostgreSQL "
            f"{binaries.OLDEST_MAJOR} or later."
        )
    found = tuple(dict.fromkeys((named, *installations())))

    @wraps(installations)
    def named_first() -> tuple[Binaries, ...]:
        return found

    patch.object(binaries, "installations", named_first).start()
