"""Logs on PostgreSQL that lack a guard, or in which something happens meanwhile."""

from collections.abc import Awaitable, Callable, Sequence

from ledger.log.connection import _APPEND, PostgresStore, _base
from ledger.log.rows import Rows
from ledger.log.store import StoredRow
from ledger.postgres import Database
from tests.ledger.writing import CHANNEL


class Unguarded(PostgresStore):
    """A log whose append checks versions, and neither reference data nor time."""

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        return _base(await self._ask(_APPEND, rows.parameters(minute)))


class Interrupted(PostgresStore):
    """A log on which something happens between a batch's read and its append."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.writer, CHANNEL)
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def read(self, streams: Sequence[str]) -> list[StoredRow]:
        found = await super().read(streams)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return found
