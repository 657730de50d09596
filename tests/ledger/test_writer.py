"""The writer on PostgreSQL: what one writer promises, and what two promise each other."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ledger.batch import Recorded
from ledger.decisions.programmes import RegisterHolder, StartLedger
from ledger.decisions.situation import Command, Finding, InvalidCommandError
from ledger.decisions.terminals import EnrolTerminal, InviteTerminal
from ledger.decisions.venues import QualifyVenue, RegisterVenue
from ledger.facts import Event
from ledger.facts.codec import decode, encode
from ledger.log.connection import Connection, PostgresStore, _append
from ledger.log.rows import LARGEST_EVENT, Rows
from ledger.log.store import StoredRow, StoreUnavailableError
from ledger.postgres import Database, PostgresServer
from ledger.postgres.database import prepare_embedded
from ledger.postgres.roles import Roles
from ledger.secrets import WrongPepperError
from ledger.values.clock import real_now
from ledger.values.codes import Pepper
from ledger.values.reasons import Reason, Refusal
from ledger.writer import CommandFailedError, OutcomeUnknownError, Writer
from tests.builders.commands import (
    check,
    enrol_terminal,
    invite_terminal,
    register_holder,
    revoke_terminal,
    start_ledger,
)
from tests.builders.world import NOW, TERMINAL, with_changes
from tests.ledger.writing import (
    CHANNEL,
    SetClock,
    carry_out,
    claim,
    in_circulation,
    store_on,
    writing,
)

pytestmark = pytest.mark.anyio

BEFORE_ANY_PROGRAMME = (
    StartLedger,
    RegisterHolder,
    RegisterVenue,
    QualifyVenue,
    InviteTerminal,
    EnrolTerminal,
)


@pytest.fixture
async def ledger(database: Database) -> Database:
    """Two carnets of five tickets are in people's hands."""
    async with writing(store_on(database)) as writer:
        await carry_out(writer, in_circulation(carnets=2))
    return database


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


async def test_an_outcome_says_where_its_event_stands(ledger: Database) -> None:
    async with writing(store_on(ledger)) as writer:
        outcome = await writer.execute(claim(1))

    assert isinstance(outcome, Recorded)
    assert not outcome.replayed
    assert events(ledger)[outcome.position - 1] == outcome.event


async def test_a_replay_gets_the_first_answer_from_any_writer(ledger: Database) -> None:
    async with writing(store_on(ledger)) as writer, writing(store_on(ledger)) as other:
        first = await writer.execute(claim(1))
        size = len(events(ledger))
        again = [await each.execute(claim(1)) for each in (writer, other)]

    assert isinstance(first, Recorded)
    assert again == [Recorded(first.position, first.event, replayed=True)] * 2
    assert len(events(ledger)) == size


async def test_a_reused_id_with_other_content_is_refused(ledger: Database) -> None:
    other = with_changes(claim(2), {"command_id": claim(1).command_id})
    async with writing(store_on(ledger)) as writer:
        await carry_out(writer, [claim(1)])

        assert await writer.execute(other) == Refusal(Reason.COMMAND_ID_REUSED)


async def test_of_two_claims_for_a_ticket_in_a_batch_one_wins(ledger: Database) -> None:
    async with writing(store_on(ledger)) as writer:
        one, other = await asyncio.gather(
            writer.submit(claim(1)), writer.submit(claim(1, of="other"))
        )

    assert isinstance(one, Recorded)
    assert isinstance(other, Refusal)
    assert other.reason is Reason.TICKET_ALREADY_REDEEMED


async def test_of_many_claims_for_a_ticket_through_two_writers_one_wins(ledger: Database) -> None:
    async with writing(store_on(ledger)) as writer, writing(store_on(ledger)) as other:
        outcomes = await asyncio.gather(
            *(writer.submit(claim(1, of=n)) for n in range(40)),
            *(other.submit(claim(1, of=n)) for n in range(40, 80)),
        )

    assert sum(isinstance(each, Recorded) for each in outcomes) == 1
    assert sum(isinstance(each, Refusal) for each in outcomes) == 79


async def test_refusals_are_kept(ledger: Database) -> None:
    async with writing(store_on(ledger)) as writer:
        await asyncio.gather(writer.submit(claim(1)), writer.submit(claim(1, of="other")))

    refused = claim(1, of="other")
    assert refusals(ledger) == [
        (refused.command_id, f"terminal:{TERMINAL}", "RedeemTickets", "ticket-already-redeemed")
    ]


async def test_a_writer_with_another_pepper_is_refused(ledger: Database) -> None:
    """Its folder was lost, and it made new secrets: every code would be unknown."""
    for peppers in ({"2022": Pepper(b"made anew, when a disk was lost!")}, {}):
        writer = Writer(store_on(ledger), SetClock(), peppers)

        with pytest.raises(WrongPepperError, match=r"pepper-2022.key is not the one .* backup"):
            await writer.start()


async def test_a_writer_that_finds_out_later_fails_rather_than_call_a_ticket_unknown(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """It was up before the ledger's first fact."""
    caplog.set_level(logging.CRITICAL)
    late = Writer(
        store_on(database), SetClock(), {"2022": Pepper(b"a pepper of another folder, too")}
    )
    await late.start()
    async with writing(store_on(database)) as writer:
        await carry_out(writer, in_circulation(carnets=2))

    with pytest.raises(CommandFailedError, match="WrongPepperError"):
        await late.execute(claim(1))
    await late.stop()


# Between writers.


async def test_a_terminal_revoked_through_one_writer_redeems_nothing_through_another(
    ledger: Database,
) -> None:
    async with writing(store_on(ledger)) as writer, writing(store_on(ledger)) as other:
        await carry_out(writer, [claim(1)])
        await carry_out(other, [revoke_terminal()])

        assert await writer.execute(claim(2)) == Refusal(Reason.TERMINAL_REVOKED)


async def test_a_check_knows_of_a_revocation_through_another_writer(ledger: Database) -> None:
    """Though it appends nothing, and nothing else is going on."""
    async with writing(store_on(ledger)) as writer, writing(store_on(ledger)) as other:
        await carry_out(other, [revoke_terminal()])

        found = await writer.execute(check(1))

    assert isinstance(found, Finding)
    assert found.answer == {"redeemable": False, "reason": "terminal-revoked"}


@pytest.mark.parametrize("asked", [claim(1), check(1)])
async def test_a_programme_opened_through_another_writer_is_known(
    database: Database, asked: Command
) -> None:
    """Its carnets are in the streams at once, its rules not yet in this writer's memory."""
    commands = list(in_circulation())
    before = [each for each in commands if isinstance(each, BEFORE_ANY_PROGRAMME)]
    async with writing(store_on(database)) as other:
        await carry_out(other, before)
        async with writing(store_on(database)) as writer:
            await carry_out(other, [each for each in commands if each not in before])

            outcome = await writer.execute(asked)

    assert isinstance(outcome, (Recorded, Finding))
    assert isinstance(outcome, Recorded) or outcome.answer["redeemable"]


class Unguarded(PostgresStore):
    """A log whose append checks versions, and neither reference data nor time."""

    async def append(
        self, rows: Rows, minute: int, expected_reference: int, clock: int
    ) -> int | None:
        async with self._connection() as connection:
            return await _append(connection, rows.parameters(minute))


async def test_without_its_guard_the_revoked_terminal_would_redeem(ledger: Database) -> None:
    async with writing(Unguarded(ledger.writer, CHANNEL)) as writer:
        async with writing(store_on(ledger)) as other:
            await carry_out(other, [revoke_terminal()])

        assert isinstance(await writer.execute(claim(1)), Recorded)


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


async def test_a_stream_that_moves_meanwhile_is_decided_again(ledger: Database) -> None:
    store = Interrupted(ledger)
    async with writing(store) as writer, writing(store_on(ledger)) as other:
        store.meanwhile = lambda: carry_out(other, [claim(1), claim(2)])
        outcomes = await asyncio.gather(
            writer.submit(claim(2, of="too late")), writer.submit(claim(3))
        )

    assert isinstance(outcomes[0], Refusal)
    assert isinstance(outcomes[1], Recorded)
    carnet = [each for each in events(ledger) if each.stream == outcomes[1].event.stream]
    assert [each.version for each in carnet] == list(range(1, len(carnet) + 1))


async def test_a_refusal_is_confirmed_where_nothing_moves(ledger: Database) -> None:
    """A retry on another host is not refused what its first attempt has won meanwhile."""
    store = Interrupted(ledger)
    unknown = invite_terminal(command_id="invitation-9", terminal="t-999999999999")
    early = with_changes(claim(1), {"terminal": unknown.terminal})
    enrol = enrol_terminal(command_id="enrol-9", terminal=unknown.terminal)
    async with writing(store) as writer, writing(store_on(ledger)) as other:
        store.meanwhile = lambda: carry_out(other, [unknown, enrol])

        assert isinstance(await writer.execute(early), Recorded)


# Time.


async def test_a_clock_behind_the_log_takes_the_logs_minute(ledger: Database) -> None:
    ahead = SetClock(NOW + timedelta(minutes=10, seconds=40))
    async with writing(store_on(ledger), ahead) as fast, writing(store_on(ledger)) as slow:
        first, second = [*await carry_out(fast, [claim(1)]), *await carry_out(slow, [claim(2)])]

    assert first.event.recorded_at == ahead.instant
    assert second.event.recorded_at == ahead.instant.replace(second=0)


async def test_a_clock_that_is_far_behind_the_log_is_told_once(
    ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Or one that was ahead: nobody can know which. All goes on, slowly."""
    async with (
        writing(store_on(ledger), SetClock(NOW + timedelta(minutes=5))) as other,
        writing(store_on(ledger)) as writer,
    ):
        await carry_out(other, [claim(1)])
        await carry_out(writer, [claim(2)])
        assert caplog.messages == []
    async with (
        writing(store_on(ledger), SetClock(NOW + timedelta(minutes=6))) as ahead,
        writing(store_on(ledger)) as writer,
    ):
        await carry_out(ahead, [claim(3)])
        await carry_out(writer, [claim(4), claim(5)])

    (told,) = caplog.messages
    assert told.startswith("the log is 6 minutes ahead of this host's clock")


async def test_without_its_guard_a_slow_clock_would_back_date(ledger: Database) -> None:
    ahead = SetClock(NOW + timedelta(minutes=10))
    async with writing(store_on(ledger), ahead) as fast:
        await carry_out(fast, [claim(1)])
    async with writing(Unguarded(ledger.writer, CHANNEL)) as slow:
        (second,) = await carry_out(slow, [claim(2)])

    assert second.event.recorded_at == NOW


async def test_a_slow_clock_redeems_nothing_that_has_expired_by_the_logs(
    ledger: Database,
) -> None:
    """The first server whose clock says so ends a ticket's life on all of them."""
    end = datetime(2023, 1, 31, 23, 0, tzinfo=UTC)
    async with writing(store_on(ledger), SetClock(end - timedelta(minutes=2))) as slow:
        await carry_out(slow, [claim(1)])
        async with writing(store_on(ledger), SetClock(end)) as fast:
            await carry_out(fast, [register_holder(holder="mairie", command_id="mairie")])
        refused = await slow.execute(claim(2))

    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.CARNET_EXPIRED


async def test_what_a_retry_was_refused_its_first_attempt_is_not_granted(
    ledger: Database,
) -> None:
    """The first attempt is on its way from a host whose clock is behind the other's."""
    end = datetime(2023, 1, 31, 23, 0, tzinfo=UTC)
    slow_store = Interrupted(ledger)
    retried: list[object] = []
    async with (
        writing(slow_store, SetClock(end - timedelta(minutes=1))) as slow,
        writing(store_on(ledger), SetClock(end)) as fast,
    ):

        async def retry() -> None:
            retried.append(await fast.execute(claim(1)))

        slow_store.meanwhile = retry
        first = await slow.execute(claim(1))

    assert isinstance(first, Refusal)
    assert first.reason is Reason.CARNET_EXPIRED
    assert retried == [first]


async def test_a_clock_far_ahead_decides_nothing(
    ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Or it would end the life of all tickets, for all: the log's time never goes back."""
    size, fast = len(events(ledger)), SetClock(real_now() + timedelta(days=400))
    async with writing(store_on(ledger), fast) as writer:
        for command in (claim(1), check(1), register_holder(holder="mairie", command_id="m")):
            with pytest.raises(OutcomeUnknownError):
                await writer.execute(command)
        fast.instant = NOW
        assert isinstance(await writer.execute(claim(1)), Recorded)
    async with writing(store_on(ledger)) as writer:
        assert isinstance(await writer.execute(claim(2)), Recorded)

    (told,) = caplog.messages
    assert told.startswith("this host's clock is 5760")
    assert "minutes ahead of the database's" in told
    assert len(events(ledger)) == size + 2
    assert refusals(ledger) == []


async def test_a_demos_clock_may_be_anywhere(database: Database) -> None:
    """It is the host's own that has to agree with the database's."""
    offset = timedelta(days=400)
    async with writing(store_on(database), SetClock(real_now())) as writer:
        (started,) = await carry_out(
            writer, [start_ledger(demo=True, clock_offset_seconds=int(offset.total_seconds()))]
        )
        (known,) = await carry_out(writer, [register_holder()])

    assert known.event.recorded_at - started.event.recorded_at >= offset


# Faults.


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


async def test_an_event_that_is_too_large_is_refused_before_the_append(
    ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The table would refuse it too, and with it a whole batch. Its caller can mend it."""
    too_long = claim(3, workshop_id="x" * 70_000)
    claims = [claim(1), claim(2), too_long, claim(4), claim(5)]
    async with writing(store_on(ledger)) as writer:
        answers = [writer.submit(each) for each in claims]
        await asyncio.wait(answers)

    assert [each.exception() is None for each in answers] == [True, True, False, True, True]
    error = answers[2].exception()
    assert isinstance(error, InvalidCommandError)
    assert str(error).startswith("tickets.redeemed.v1: at most 65535 bytes, and this has 70")
    assert events(ledger)[-1].version == 7
    assert caplog.messages == []


async def test_an_event_may_be_as_large_as_the_table_takes(ledger: Database) -> None:
    async with writing(store_on(ledger)) as writer:
        (first,) = await carry_out(writer, [claim(1, workshop_id="x")])
        room = LARGEST_EVENT - len(encode(first.event)) + 1
        (done,) = await carry_out(writer, [claim(2, workshop_id="x" * room)])
        with pytest.raises(InvalidCommandError):
            await writer.execute(claim(3, workshop_id="x" * (room + 1)))

    assert len(encode(done.event)) == LARGEST_EVENT


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
        with pytest.raises(OutcomeUnknownError):
            await writer.execute(claim(1))
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
