"""A ledger that a command works on, with a writer of its own.

Any number of writers may run at once, so nothing has to be stopped for a command: it attaches to
the database that runs already, or runs it for as long as it needs it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeVar

import psycopg

from api.actors import Actor
from ledger.batch import Recorded
from ledger.decisions.situation import Command
from ledger.log.connection import PostgresStore
from ledger.postgres import Database
from ledger.secrets import Secrets, open_secrets
from ledger.settings import Settings
from ledger.values.clock import Clock, SystemClock
from ledger.values.reasons import Refusal
from ledger.writer import OutcomeUnknownError, Writer
from projections.connecting import reader_conninfo
from projections.projection import AsyncConnection
from scripts.common.offered import offer_for
from scripts.common.refusals import RefusedError
from scripts.common.unknown import advice_for

T = TypeVar("T")
PATIENCE: Final = 30.0  # seconds in which a database may come back
PAUSE: Final = 0.5
AT_ONCE: Final = 1_000  # commands that wait for the writer together


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger, and in whose name things are done in it."""

    settings: Settings
    database: Database
    secrets: Secrets
    writer: Writer
    views: AsyncConnection  # the log and the read models, read only
    actor: Actor

    async def do(self, command: Command) -> Recorded:
        """Have a command carried out. Where the answer gets lost, ask again.

        Raises:
            RefusedError: the ledger said no.
            OutcomeUnknownError: the database did not come back.
        """
        outcome = await self.answer(command)
        if isinstance(outcome, Refusal):
            known = self.writer.reference
            told = advice_for(outcome.reason, command, known) or offer_for(outcome, command, known)
            raise RefusedError(outcome, told)
        return outcome

    async def answer(self, command: Command) -> Recorded | Refusal:
        """What became of a command, a refusal included."""
        return await until_known(lambda: self._ask(command))

    async def answers(self, commands: Sequence[Command]) -> list[Recorded | Refusal]:
        """What became of many small commands, which share their commits."""
        found: list[Recorded | Refusal] = []
        for start in range(0, len(commands), AT_ONCE):
            asked = commands[start : start + AT_ONCE]
            found += await asyncio.gather(*(self.answer(command) for command in asked))
        return found

    async def _ask(self, command: Command) -> Recorded | Refusal:
        outcome = await self.writer.execute(command)
        if isinstance(outcome, Recorded | Refusal):
            return outcome
        raise TypeError(f"unexpected outcome {type(outcome).__name__}")


async def until_known(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask with the same id until there is an answer.

    Raises:
        OutcomeUnknownError: there was none for half a minute.
    """
    give_up = monotonic() + PATIENCE
    while True:
        try:
            return await ask()
        except OutcomeUnknownError:
            if monotonic() > give_up:
                raise
            await asyncio.sleep(PAUSE)


@asynccontextmanager
async def open_ledger(
    settings: Settings, database: Database, actor: Actor, clock: Clock | None = None
) -> AsyncIterator[Ledger]:
    """The ledger in a database that is up, until the block ends."""
    secrets = open_secrets(settings.data)
    store = PostgresStore(database.writer, database.channel)
    writer = Writer(store, clock or SystemClock(), secrets.peppers)
    await writer.start()
    try:
        reading = psycopg.AsyncConnection.connect(reader_conninfo(database), autocommit=True)
        async with await reading as views:
            yield Ledger(settings, database, secrets, writer, views, actor)
    finally:
        await writer.stop()
