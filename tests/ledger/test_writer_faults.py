"""Locks that stay, answers that are lost, a database that dies."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.batch import Recorded
from ledger.log import connection, statements
from ledger.log.connection import PostgresStore
from ledger.log.rows import Rows
from ledger.log.statements import Connection
from ledger.log.store import StoreUnavailableError
from ledger.postgres import Database, PostgresServer
from ledger.postgres.database import prepare_embedded
from ledger.postgres.roles import Roles
from ledger.values.reasons import Reason, Refusal
from ledger.writer import OutcomeUnknownError, Writer
from loadtests.processor import children
from tests.builders.commands import revoke_terminal
from tests.ledger.writing import (
    CHANNEL,
    carry_out,
    claim,
    events,
    in_circulation,
    store_on,
    writing,
)

pytestmark = pytest.mark.anyio


async def test_a_lock_on_the_head_leaves_nobody_without_an_answer(ledger: Database) -> None:
    """Not who waits, and not who wants to stop the service."""
    async with await psycopg.AsyncConnection.connect(ledger.owner) as holder:
        await holder.execute("SELECT * FROM log_head FOR UPDATE")
        async with asyncio.timeout(20), writing(store_on(ledger), largest_batch=1) as writer:
            answers = [
                writer.submit(claim(ticket, number)) for ticket in range(1, 6) for number in (1, 2)
            ]
        await holder.rollback()

    assert [type(each.exception()) for each in answers] == [OutcomeUnknownError] * 10
    async with writing(store_on(ledger)) as writer:
        assert isinstance(await writer.execute(claim(1)), Recorded)


async def test_a_lock_that_is_gone_has_left_nothing_behind(ledger: Database) -> None:
    """A transaction that is rolled back, after one that kept a refusal, costs no statement."""
    async with writing(store_on(ledger)) as writer:
        await writer.execute(claim(1))
        assert isinstance(await writer.execute(claim(1, of="another")), Refusal)
        async with await psycopg.AsyncConnection.connect(ledger.owner) as holder:
            await holder.execute("SELECT * FROM log_head FOR UPDATE")
            with pytest.raises(OutcomeUnknownError):
                await writer.execute(claim(1, of="a third"))
            await holder.rollback()

        assert isinstance(await writer.execute(claim(2)), Recorded)
        assert isinstance(await writer.execute(claim(1)), Recorded)


async def test_statements_that_the_server_has_lost_cost_one_batch_its_answer(
    ledger: Database,
) -> None:
    store = store_on(ledger)
    async with writing(store) as writer:
        await writer.execute(claim(1))
        async with store.locked() as session:
            await session.read(["carnet:none"])
            await session._connection.execute("DEALLOCATE ALL")  # as a pooler may

        with pytest.raises(OutcomeUnknownError):
            await writer.execute(claim(2))
        assert isinstance(await writer.execute(claim(2)), Recorded)


@pytest.mark.slow
async def test_a_database_that_stands_still_leaves_nobody_without_an_answer(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not who waits, and not who wants to stop the service. It isn't gone, it says nothing."""
    monkeypatch.setattr(statements, "ANSWER_WITHIN", 1)
    monkeypatch.setattr(connection, "CONNECT_WITHIN", 2)
    with PostgresServer(server_folder / "still", settings={"shared_buffers": "16MB"}) as server:
        database = prepare_embedded(server, Roles())
        async with asyncio.timeout(60), writing(store_on(database)) as writer:
            await carry_out(writer, in_circulation(carnets=2))
            with standing_still(server):
                with pytest.raises(OutcomeUnknownError):
                    await writer.execute(claim(1))
                await writer.stop()
        async with writing(store_on(database)) as writer:
            assert isinstance(await writer.execute(claim(1)), Recorded)


@pytest.mark.slow
async def test_a_commit_that_waits_for_a_standby_is_not_told_before_the_standby_has_it(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not to a retry either: given up, the first attempt still waits."""
    monkeypatch.setattr(statements, "ANSWER_WITHIN", 1)
    with PostgresServer(server_folder / "standby", settings={"shared_buffers": "16MB"}) as server:
        database = prepare_embedded(server, Roles())
        async with writing(store_on(database)) as writer:
            await carry_out(writer, in_circulation(carnets=2))
            set_standbys(server, "gone")
            await asyncio.sleep(1)  # the server takes it in by and by
            for _ in range(2):
                with pytest.raises(OutcomeUnknownError):
                    await writer.execute(claim(1))
            set_standbys(server, "")

            outcome = await writer.execute(claim(1))

        assert isinstance(outcome, Recorded)
        assert outcome.replayed


def set_standbys(server: PostgresServer, names: str) -> None:
    """Which standbys have to have a commit."""
    with psycopg.connect(server.conninfo(), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER SYSTEM SET synchronous_standby_names = {}").format(names))
        admin.execute("SELECT pg_reload_conf()")


@contextmanager
def standing_still(server: PostgresServer) -> Iterator[None]:
    """Nothing of the server moves until the block ends."""
    assert server.pid is not None
    pids = [server.pid, *children(server.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("database_says", "connection_says", "so"),
    [
        ("off", "", "on"),
        ("remote_apply", "", "remote_apply"),
        ("on", "off", "off"),  # as the control of the kill rounds does
    ],
)
async def test_a_commit_is_on_disk_unless_whoever_connects_asks_for_less(
    database: Database,
    postgres_server: PostgresServer,
    database_says: str,
    connection_says: str,
    so: str,
) -> None:
    writer = conninfo_to_dict(database.writer)
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(
                sql.Identifier(str(writer["dbname"])), database_says
            )
        )
    if connection_says:
        writer["options"] = f"{writer['options']} -c synchronous_commit={connection_says}"

    asking = make_conninfo(database.writer, options=str(writer["options"]))
    store = PostgresStore(asking, CHANNEL)
    async with store._connection() as session:
        cursor = await session.execute("SHOW synchronous_commit")
        assert await cursor.fetchone() == (so,)
    await store.close()


class LosesAnswers(PostgresStore):
    """A log whose connection breaks as the commit comes back."""

    loses = True

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        base = await super().append(rows, minute, expected_reference, clock)
        if self.loses:
            self.loses = False
            raise StoreUnavailableError("the answer is lost")
        return base


async def test_a_lost_answer_is_found_again_with_the_same_id(ledger: Database) -> None:
    async with writing(LosesAnswers(ledger.writer, CHANNEL)) as writer:
        with pytest.raises(OutcomeUnknownError):
            await writer.execute(claim(1))
        size = len(events(ledger))
        outcome = await writer.execute(claim(1))

    assert isinstance(outcome, Recorded)
    assert outcome.replayed
    assert events(ledger)[outcome.position - 1] == outcome.event
    assert len(events(ledger)) == size


async def test_a_lost_answer_to_a_revocation_leaves_no_terminal_redeeming(
    ledger: Database,
) -> None:
    """The writer does not know that the reference data has moved. The log does."""
    async with writing(LosesAnswers(ledger.writer, CHANNEL)) as writer:
        with pytest.raises(OutcomeUnknownError):
            await writer.execute(revoke_terminal())

        assert await writer.execute(claim(1)) == Refusal(Reason.TERMINAL_REVOKED)


class Demoted(PostgresStore):
    """A log whose server became a standby, which only reads."""

    only_reads = True

    async def _connect(self) -> Connection:
        connection = await super()._connect()
        if self.only_reads:
            await connection.execute("SET default_transaction_read_only = on")
        return connection


async def test_a_server_that_only_reads_is_out_of_reach(ledger: Database) -> None:
    """No command is to blame. Whoever connects anew finds the server that writes."""
    store = Demoted(ledger.writer, CHANNEL)
    async with writing(store) as writer:
        await asyncio.gather(*(store.read(["carnet:none"]) for _ in range(3)))
        with pytest.raises(OutcomeUnknownError):
            await writer.execute(claim(1))
        assert store._idle == []  # each of them would cost another batch its answer
        store.only_reads = False

        assert isinstance(await writer.execute(claim(1)), Recorded)


async def test_a_killed_database_is_waited_for(server_folder: Path) -> None:
    """Nobody restarts the writer. Nothing acknowledged is lost."""
    with PostgresServer(server_folder / "killed", settings={"shared_buffers": "16MB"}) as server:
        database = prepare_embedded(server, Roles())
        async with writing(store_on(database)) as writer:
            await carry_out(writer, in_circulation(carnets=2))
            first = await carry_out(writer, [claim(1)])
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            with pytest.raises(OutcomeUnknownError):
                await execute_until_lost(writer)
            second = await until_known(writer, 2)
        log = events(database)

    assert [log[each.position - 1] for each in (*first, second)] == [first[0].event, second.event]


async def test_a_restarted_database_costs_one_batch_its_answer(ledger: Database) -> None:
    """Not one more for each connection that was idle meanwhile."""
    store = store_on(ledger)
    async with writing(store) as writer:
        await asyncio.gather(*(store.read(["carnet:none"]) for _ in range(3)))
        assert len(store._idle) == 3
        with psycopg.connect(ledger.writer, autocommit=True) as beside:
            beside.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                " AND usename = current_user"
            )
        with pytest.raises(OutcomeUnknownError):
            await execute_until_lost(writer)
        assert store._idle == []

        assert isinstance(await writer.execute(claim(1)), Recorded)


async def execute_until_lost(writer: Writer) -> None:
    """A session may outlive its server by a statement or two."""
    while True:
        await writer.execute(claim(2))
        await asyncio.sleep(0.01)


async def until_known(writer: Writer, ticket: int) -> Recorded:
    """Retry with the same id, as a terminal does."""
    while True:
        try:
            (outcome,) = await carry_out(writer, [claim(ticket)])
        except OutcomeUnknownError:
            await asyncio.sleep(0.1)
        else:
            return outcome
