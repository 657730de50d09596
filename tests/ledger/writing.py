"""Writers for tests, ledgers that are ready to redeem on, and what came to stand in them."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from ledger.batch import Recorded
from ledger.decisions.redemption import RedeemTickets
from ledger.decisions.situation import Command
from ledger.facts import Event
from ledger.facts.codec import decode
from ledger.log.connection import PostgresStore
from ledger.log.store import Store
from ledger.postgres import Database
from ledger.values.ids import carnet_id, derived_id
from ledger.values.money import Cents
from ledger.writer import Writer
from tests.builders.commands import (
    activate,
    assign,
    enrol_terminal,
    invite_terminal,
    issue,
    open_programme,
    order_carnets,
    publish_rules,
    qualify_venue,
    record_funding,
    redeem,
    register_holder,
    register_venue,
    start_ledger,
)
from tests.builders.world import NOW, PEPPERS, PROGRAMME, with_changes

CHANNEL = "souche_log"
SIZE = 5  # tickets a carnet
CHUNK = 400  # carnets a command


@dataclass
class SetClock:
    """A clock that stands where it is set."""

    instant: datetime = NOW

    def now(self) -> datetime:
        return self.instant


@asynccontextmanager
async def writing(
    store: Store, clock: SetClock | None = None, **options: int
) -> AsyncIterator[Writer]:
    """A writer that has started; at the end it finishes what waits and leaves."""
    writer = Writer(store, clock or SetClock(), PEPPERS, **options)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


def store_on(database: Database) -> PostgresStore:
    return PostgresStore(database.writer, CHANNEL)


async def carry_out(writer: Writer, commands: Iterable[Command]) -> list[Recorded]:
    """Have commands done one after the other; each has to be accepted."""
    done = []
    for command in commands:
        outcome = await writer.execute(command)
        assert isinstance(outcome, Recorded), (command, outcome)
        done.append(outcome)
    return done


def in_circulation(carnets: int = 2) -> Iterator[Command]:
    """What makes a ledger whose carnets are in people's hands, with a venue that takes them."""
    yield start_ledger()
    yield open_programme()
    yield publish_rules()
    yield register_holder()
    yield register_venue()
    yield qualify_venue()
    yield invite_terminal()
    yield enrol_terminal()
    yield order_carnets(carnets=carnets, size=SIZE)
    yield record_funding(cents={"region": Cents(carnets * SIZE * 1000)})
    for first in range(1, carnets + 1, CHUNK):
        count = min(CHUNK, carnets + 1 - first)
        yield issue(first, carnets=count, size=SIZE)
        numbers = range(first, first + count)
        yield activate(*numbers, command_id=f"activate-{first}")
    for number in range(1, carnets + 1):
        yield assign(number, command_id=f"assign-{number}")


def claim(ticket: int, number: int = 1, of: object = "claim", **changes: object) -> RedeemTickets:
    """A claim for one ticket, with an id that is its own and `of`'s."""
    command_id = derived_id(of, carnet_id(PROGRAMME, number), ticket)
    return with_changes(redeem(ticket, number=number), {"command_id": command_id} | changes)


def events(database: Database) -> list[Event]:
    """The log, read from outside. Its positions have no gap."""
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(
            "SELECT notification_id, state FROM events ORDER BY notification_id"
        ).fetchall()
    assert [position for position, _ in rows] == list(range(1, len(rows) + 1))
    return [decode(state) for _, state in rows]


def refusals(database: Database) -> list[tuple[str, str, str, str]]:
    with psycopg.connect(database.owner) as connection:
        return connection.execute(
            "SELECT command_id, actor, command, reason FROM refusals ORDER BY id"
        ).fetchall()
