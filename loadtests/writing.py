"""A writer in a process of its own, tuned as the service tunes itself."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from ledger.batch import Recorded
from ledger.decisions.situation import Command
from ledger.log.connection import PostgresStore
from ledger.postgres import Database
from ledger.secrets import open_secrets
from ledger.values.clock import SystemClock, real_now
from ledger.writer import Writer

GC_THRESHOLDS = 100_000, 50, 1_000  # as the service's workers set them


class RefusedError(RuntimeError):
    """A command that the load needs was not carried out."""


def tune_gc() -> None:
    """Look for cycles rarely: what a batch makes is freed by reference counts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@asynccontextmanager
async def open_writer(database: Database, folder: Path) -> AsyncIterator[Writer]:
    """A writer on the ledger whose secrets are in `folder`, until the block ends."""
    store = PostgresStore(database.writer, database.channel)
    writer = Writer(store, SystemClock(), open_secrets(folder).peppers)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


def ledger_now(writer: Writer) -> datetime:
    """Now, on the ledger's clock: a demo's is set back."""
    return real_now() + writer.reference.clock_offset


async def carry_out(writer: Writer, command: Command) -> Recorded:
    """Execute a command that must succeed.

    Raises:
        RefusedError: it did not.
    """
    outcome = await writer.execute(command)
    if not isinstance(outcome, Recorded):
        raise RefusedError(f"{type(command).__name__}: {outcome}")
    return outcome
