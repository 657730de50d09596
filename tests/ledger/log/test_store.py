"""What the writer asks of a log, asked of PostgreSQL and of the twin alike."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.facts import AnyFact
from ledger.log import connection
from ledger.log.connection import PostgresStore
from ledger.log.memory import MemoryRecorder, MemoryStore
from ledger.log.rows import AHEAD, Head, RefusedCommand, Rows
from ledger.log.store import Store, StoreUnavailableError, StreamMovedError
from ledger.postgres import Database
from ledger.values.clock import minute_of, real_now
from ledger.values.reasons import Reason, Refusal
from tests.builders.facts import assigned, holder_registered, issued, venue_registered
from tests.builders.placing import recorded
from tests.builders.world import NOW, TOWN_HALL, with_changes
from tests.ledger.log.helpers import CHANNEL

CARNET = "carnet:BFC22-0000001"
REFUSED = RefusedCommand(
    "c-1",
    "operator:a",
    "Redeem",
    Refusal(Reason.CARNET_EXPIRED, 2, {"n": 1}),
    {"tickets": [1, 2]},
)


class Log:
    """A log, any number of ways to it, and what is kept beside it."""

    def __init__(
        self, new_store: Callable[[], Store], kept: Callable[[], list[tuple[object, ...]]]
    ) -> None:
        self.new_store = new_store
        self.kept = kept


@pytest.fixture(params=["postgres", "memory"])
def log(request: pytest.FixtureRequest) -> Log:
    if request.param == "memory":
        recorder = MemoryRecorder()

        def kept_in_memory() -> list[tuple[object, ...]]:
            return [
                (at, r.command_id, r.actor, r.command, r.refusal.reason.value,
                 r.refusal.rule_version, r.detail)
                for r, at in recorder.refusals
            ]  # fmt: skip

        return Log(lambda: MemoryStore(recorder), kept_in_memory)
    database: Database = request.getfixturevalue("database")

    def kept_in_postgres() -> list[tuple[object, ...]]:
        with psycopg.connect(database.owner) as owner:
            return owner.execute(
                "SELECT refused_at, command_id, actor, command, reason, rule_version, detail"
                " FROM refusals ORDER BY id"
            ).fetchall()

    return Log(lambda: PostgresStore(database.writer, CHANNEL), kept_in_postgres)


Steps = Callable[[Store, Store], Awaitable[None]]
Run = Callable[[Steps], None]


@pytest.fixture
def run(log: Log) -> Run:
    """Runs steps with two writers' stores."""

    def run_steps(steps: Steps) -> None:
        async def run_and_close() -> None:
            stores = (log.new_store(), log.new_store())
            try:
                await steps(*stores)
            finally:
                for store in stores:
                    await store.close()

        asyncio.run(run_and_close())

    return run_steps


def rows(*facts: AnyFact, version: int = 1) -> Rows:
    made = Rows()
    for fact in facts:
        made.add(with_changes(recorded(fact), {"version": version}))
    return made


def test_streams_are_read_in_the_order_of_their_versions(run: Run) -> None:
    async def steps(store: Store, other: Store) -> None:
        assert await store.append(rows(issued(2), issued(1)), 5, 0, 0) == 0
        assert await other.append(rows(assigned(1), version=2), 5, 0, 0) == 2
        found = await store.read([CARNET, "carnet:BFC22-0000002", "carnet:none", CARNET])
        assert [position for position, _ in found] == [2, 3, 1]
        assert found[1][1] == rows(assigned(1), version=2).states[0]

    run(steps)


def test_reference_facts_are_read_from_a_position_on(run: Run) -> None:
    async def steps(store: Store, other: Store) -> None:
        await store.append(rows(holder_registered(), issued(1), venue_registered()), 5, 0, 0)
        assert [p for p, _ in await other.read_reference(0)] == [1, 3]
        assert [p for p, _ in await other.read_reference(1)] == [3]
        assert await other.read_reference(3) == []

    run(steps)


def test_an_append_is_guarded_by_versions(run: Run) -> None:
    async def steps(store: Store, other: Store) -> None:
        await store.append(rows(issued(1)), 5, 0, 0)
        with pytest.raises(StreamMovedError):
            await other.append(rows(issued(2), issued(1)), 5, 0, 0)
        assert await other.append(rows(issued(2)), 5, 0, 0) == 1

    run(steps)


def test_an_append_is_guarded_by_the_reference_position(run: Run) -> None:
    async def steps(store: Store, other: Store) -> None:
        await store.append(rows(issued(1), holder_registered()), 5, 0, 0)
        assert await other.append(rows(issued(2)), 5, 0, 0) is None
        assert await other.append(rows(issued(2)), 5, 2, 0) == 2

    run(steps)


def test_an_append_is_guarded_by_the_minute(run: Run) -> None:
    async def steps(store: Store, other: Store) -> None:
        await store.append(rows(issued(1)), 5, 0, 0)
        assert await other.append(rows(issued(2)), 4, 0, 0) is None
        assert await other.append(rows(issued(2)), 6, 0, 0) == 1
        async with store.locked() as session:
            assert session.head == Head(2, 6, 0)

    run(steps)


def test_an_append_of_nothing_still_checks_the_head(run: Run) -> None:
    async def steps(store: Store, other: Store) -> None:
        await store.append(rows(holder_registered()), 5, 0, 0)
        assert await other.append(Rows(), 5, 0, 0) is None
        assert await other.append(Rows(), 5, 1, 0) == 1

    run(steps)


def test_a_session_appends_and_keeps_refusals_together(run: Run, log: Log) -> None:
    async def steps(store: Store, other: Store) -> None:
        async with store.locked() as session:
            assert session.head == Head(0, 0, 0)
            assert await session.append(rows(issued(1), holder_registered()), 7) == 0
            await session.refuse([REFUSED, REFUSED], NOW)
        async with other.locked() as session:
            assert session.head == Head(2, 7, 2)
            assert [p for p, _ in await session.read([CARNET])] == [1]
            assert [p for p, _ in await session.read_reference(0)] == [2]

    run(steps)
    kept = (NOW, "c-1", "operator:a", "Redeem", "carnet-expired", 2, {"tickets": [1, 2], "n": 1})
    assert log.kept() == [kept, kept]


def test_a_session_that_ends_with_an_error_has_done_nothing(run: Run, log: Log) -> None:
    async def break_off(store: Store) -> None:
        async with store.locked() as session:
            await session.append(rows(holder_registered()), 7)
            await session.refuse([REFUSED], NOW)
            raise ZeroDivisionError

    async def steps(store: Store, other: Store) -> None:
        with pytest.raises(ZeroDivisionError):
            await break_off(store)
        async with other.locked() as session:
            assert session.head == Head(0, 0, 0)

    run(steps)
    assert log.kept() == []


def test_a_session_finds_a_version_taken(run: Run) -> None:
    async def steps(store: Store, other: Store) -> None:
        await store.append(rows(issued(1)), 5, 0, 0)
        with pytest.raises(StreamMovedError):
            async with other.locked() as session:
                await session.append(rows(issued(2), issued(1)), 5)
        assert await store.append(rows(issued(2)), 5, 0, 0) == 1

    run(steps)


def test_a_host_that_never_answers_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unlike one that refuses, which says so at once."""
    monkeypatch.setattr(connection, "CONNECT_WITHIN", 2)  # the least that is taken
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        store = PostgresStore(f"host={host} port={port} dbname=any", CHANNEL)
        with pytest.raises(StoreUnavailableError):
            asyncio.run(store.read([CARNET]))


def test_a_host_that_never_answers_does_not_hide_the_next_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several hosts may be named: whichever writes now is found."""
    monkeypatch.setattr(connection, "CONNECT_WITHIN", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = conninfo_to_dict(database.writer)
        hosts = {
            "host": f"127.0.0.1,{given['host']}",
            "port": f"{silent.getsockname()[1]},{given['port']}",
        }
        store = PostgresStore(make_conninfo(database.writer, **hosts), CHANNEL)

        asyncio.run(found_and_closed(store))


async def found_and_closed(store: PostgresStore) -> None:
    assert (await store.head()).size == 0
    await store.close()


def test_a_clock_ahead_of_the_databases_appends_nothing(run: Run) -> None:
    async def steps(store: Store, other: Store) -> None:
        now = (await store.head()).now
        assert abs(now - minute_of(real_now())) <= 1
        assert await store.append(rows(issued(1)), 5, 0, now + AHEAD + 2) is None
        assert await store.head() == Head(0, 0, 0)
        assert await store.append(rows(issued(1)), 5, 0, now + AHEAD) == 0
        async with other.locked() as session:
            assert session.head == await store.head()
            assert session.head.is_behind(now + AHEAD + 2)
            assert not session.head.is_behind(now + AHEAD)

    run(steps)


def test_nobody_appends_while_a_session_holds_the_head(run: Run) -> None:
    """Whoever waits is told what has moved meanwhile."""

    async def steps(store: Store, other: Store) -> None:
        async with store.locked() as session:
            waiting = asyncio.ensure_future(other.append(rows(issued(1)), 5, 0, 0))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await session.append(rows(holder_registered(TOWN_HALL)), 5)
        assert await asyncio.wait_for(waiting, 5) is None

    run(steps)
