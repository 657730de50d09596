"""What the writer asks of a log. PostgreSQL answers in service, memory in the simulator."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from ledger.log.rows import Head, RefusedCommand, Rows

StoredRow = tuple[int, bytes]  # position, state


class StoreError(Exception):
    """The log could not do what it was asked to."""


class StreamMovedError(StoreError):
    """Another writer extended a stream first: nothing was appended."""


class StoreUnavailableError(StoreError):
    """The connection is gone, or the disk is full. Whether an append took place is unknown."""


class Session(Protocol):
    """Reads and appends under the head's lock: nobody else appends until the block ends."""

    head: Head

    async def read(self, streams: Sequence[str]) -> list[StoredRow]: ...

    async def read_reference(self, after: int) -> list[StoredRow]: ...

    async def append(self, rows: Rows, minute: int) -> int:
        """Append all rows. Returns the position before the first."""

    async def refuse(self, refused: Sequence[RefusedCommand], at: datetime) -> None:
        """Keep refusals, in the same transaction."""


class Store(Protocol):
    """A log that several writers may extend at once."""

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        """The events of these streams, each in the order of its versions."""

    async def read_reference(self, after: int) -> list[StoredRow]:
        """Reference facts behind a position, in order."""

    async def head(self) -> Head:
        """The head as it is now. It may move at once."""

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        """Append all rows, durably, or none. Returns the position before the first.

        `minute` is the ledger's, `clock` the one that the writer's own clock shows. None:
        reference data has moved, `minute` is behind the log's, or `clock` ahead of the database's.

        Raises:
            StreamMovedError: a stream has moved.
            StoreUnavailableError: it may or may not have happened.
        """

    def locked(self) -> AbstractAsyncContextManager[Session]:
        """A transaction that holds the head. It commits when the block ends without an error."""

    async def announce(self) -> None:
        """Wake whoever follows the log."""

    async def close(self) -> None: ...
