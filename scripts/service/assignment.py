"""What a worker is told by whoever starts it."""

from typing import Any

import msgspec

from ledger.postgres import Database


class Assignment(msgspec.Struct, frozen=True):
    """A database that is up and migrated, and a socket that others listen on too."""

    settings: dict[str, Any]
    database: Database
    listener: int  # descriptor, inherited
