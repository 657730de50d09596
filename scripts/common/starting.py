"""A ledger's beginning: its secrets, its first fact, its tokens. Each is made once."""

import asyncio
from dataclasses import dataclass
from typing import Final

import psycopg

from api.actors import Role
from ledger.decisions.programmes import StartLedger
from ledger.facts import OriginStarted
from ledger.facts.codec import decode
from ledger.log.connection import PostgresStore
from ledger.postgres import Database
from ledger.secrets import open_secrets, require_peppers
from ledger.settings import Settings
from ledger.values.clock import Clock, SystemClock
from ledger.values.ids import derived_id
from ledger.writer import Writer
from projections.schema import prepare_read_models
from scripts.common.ending import CommandError
from scripts.common.tokens import make_missing_tokens

ACTOR: Final = "operator:init"

_FIRST: Final = "SELECT state FROM events WHERE notification_id = 1"


@dataclass(frozen=True, slots=True)
class Started:
    """A ledger that has begun, and what was made for it just now."""

    origin: OriginStarted
    is_new: bool
    tokens: dict[Role, str]  # only those made just now


def origin_of(database: Database) -> OriginStarted | None:
    """The ledger's first fact; None where nothing has happened yet.

    Raises:
        CommandError: the log begins with something else.
    """
    with psycopg.connect(database.projector, autocommit=True) as connection:
        row = connection.execute(_FIRST).fetchone()
    if row is None:
        return None
    fact = decode(row[0]).fact
    if not isinstance(fact, OriginStarted):
        raise CommandError(f"The log begins with {type(fact).__name__}: it is no ledger of ours.")
    return fact


def start_ledger(
    settings: Settings,
    database: Database,
    start: StartLedger | None = None,
    clock: Clock | None = None,
) -> Started:
    """Begin the ledger if nothing has happened in it, and make whatever it lacks.

    Raises:
        CommandError: it has begun, and its secrets are gone: with new ones no ticket would open.
        WrongPepperError: likewise, and new ones are there already.
    """
    origin = origin_of(database)
    if origin is not None and not (settings.data / "secrets").is_dir():
        raise CommandError(
            f"The ledger has begun, and its secrets are not in {settings.data / 'secrets'}.",
            "Put them back from a backup, or name the right folder with --data.",
        )
    is_new = origin is None
    secrets = open_secrets(settings.data)
    if origin is None:
        command = start or StartLedger(command_id=derived_id("start"), actor=ACTOR, demo=False)
        store = PostgresStore(database.writer, database.channel)
        writer = Writer(store, clock or SystemClock(), secrets.peppers)
        asyncio.run(_execute(writer, command))
        origin = origin_of(database)
    if origin is None:
        raise CommandError("The ledger's first fact was not taken; run this again.")
    require_peppers(origin.peppers, secrets.peppers)
    prepare_read_models(database)
    return Started(origin, is_new, make_missing_tokens(settings.data, database))


async def _execute(writer: Writer, command: StartLedger) -> None:
    """Two commands that start at once agree: the second is told what the first did."""
    await writer.start()
    try:
        await writer.execute(command)
    finally:
        await writer.stop()
