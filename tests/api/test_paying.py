"""Runs of more venues than one command pays: by two at once, and resumed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import psycopg

from api import payment_runs
from ledger.batch import Outcome, Recorded
from ledger.decisions.clearing import LINES_A_PART, PayPart, RunLine, parts_of
from ledger.decisions.situation import Command
from ledger.log.connection import PostgresStore
from ledger.secrets import open_secrets
from ledger.values.clock import SystemClock
from ledger.values.ids import RunId, VenueId, derived_id
from ledger.values.money import Cents
from ledger.writer import Writer
from projections.connecting import reader_conninfo
from tests.api.ledgers import Served
from tests.api.runs import RUNS, approved, pay
from tests.builders.facts import redeemed, venue_registered
from tests.projections.appending import Appender


def test_two_who_pay_at_once_pay_each_transfer_once(service: Served) -> None:
    """Two writers, and more venues than one command pays."""
    venues = [f"9{number:013}" for number in range(LINES_A_PART + 50)]
    owe(service, venues)
    approved(service, "11")

    outcomes = asyncio.run(paying_twice(service, RunId("11")))

    assert all(isinstance(outcome, Recorded) for outcome in outcomes)
    run = service.operator.got(f"{RUNS}/11")
    assert run["state"] == "closed"
    assert run["paid_transfers"] == run["transfers"] >= len(venues)
    paid = "SELECT count(*) FROM events WHERE topic = 'payment-run.part-paid.v1'"
    assert service.query(f"{paid} AND originator_id = 'payment-run:11'") == 2
    transfers = "SELECT count(*) FROM events WHERE originator_id LIKE 'transfer:PN11-%'"
    assert service.query(transfers) == run["transfers"]
    position = service.log_size()
    assert service.auditor.got("/v1/trial-balance", at_least=position)["balanced"]
    payouts = service.auditor.got("/v1/payouts", at_least=position)["venues"]
    assert {payout["owed_cents"] for payout in payouts} == {0}


def test_who_pays_goes_on_where_the_last_one_stopped(service: Served) -> None:
    """Somebody was killed after the first part."""
    venues = [f"8{number:013}" for number in range(LINES_A_PART + 1)]
    owe(service, venues)
    approved(service, "12")
    lines = [RunLine(VenueId(venue), Cents(1000)) for venue in venues]
    first = PayPart(
        command_id=derived_id("pay", "12", 0),
        actor="operator:other",
        run=RunId("12"),
        part=0,
        lines=parts_of(lines)[0],
    )
    assert isinstance(asyncio.run(carrying_out(service, first)), Recorded)
    assert service.operator.got(f"{RUNS}/12")["paid_transfers"] == LINES_A_PART

    pay(service, "12")

    assert service.operator.got(f"{RUNS}/12")["paid_transfers"] == LINES_A_PART + 1
    assert service.operator.got(f"{RUNS}/12")["state"] == "closed"


def owe(service: Served, venues: list[str]) -> None:
    """Append what makes these venues be owed a ticket each, behind the service's back."""
    with closing(Appender(service.database)) as appender:
        appender.append(*(venue_registered(venue=VenueId(venue)) for venue in venues))
        taken = enumerate(venues, start=int(venues[0][0]) * 100_000)
        appender.append(*(redeemed(number=n, venue=VenueId(venue)) for n, venue in taken))


async def carrying_out(service: Served, command: Command) -> Outcome:
    async with writing(service) as writer:
        return await writer.execute(command)


@asynccontextmanager
async def writing(service: Served) -> AsyncIterator[Writer]:
    """Another writer than the service's."""
    store = PostgresStore(service.database.writer, service.database.channel)
    writer = Writer(store, SystemClock(), open_secrets(service.data).peppers)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


async def paying_twice(service: Served, run: RunId) -> list[Outcome]:
    reading = reader_conninfo(service.database)
    async with (
        writing(service) as writer,
        writing(service) as other,
        await psycopg.AsyncConnection.connect(reading, autocommit=True) as views,
        await psycopg.AsyncConnection.connect(reading, autocommit=True) as more,
    ):
        return list(
            await asyncio.gather(
                payment_runs.pay(writer, views, run, "operator:one"),
                payment_runs.pay(other, more, run, "operator:two"),
            )
        )
