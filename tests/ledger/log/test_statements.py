"""Statements asked of libpq itself, on a real server."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from ledger.log import statements
from ledger.log.arrays import Blobs, Numbers, Texts
from ledger.log.statements import Connection, Statement
from ledger.postgres import Database

pytestmark = pytest.mark.anyio

ECHO = Statement("echo", "SELECT * FROM unnest(%(texts)b::text[], %(numbers)b::bigint[])")
BLOBS = Statement("blobs", "SELECT unnest(%(blobs)b::bytea[])")
SUM = Statement("sum", "SELECT %(a)b::bigint + %(b)b::bigint + %(a)b")
SLEEP = Statement("sleep", "SELECT pg_sleep(%(seconds)b::bigint)::text")


@pytest.fixture
async def connection(ledger: Database) -> AsyncIterator[Connection]:
    found = await Connection.connect(ledger.writer, autocommit=True)
    yield found
    await found.close()


async def test_parameters_are_found_by_their_names(connection: Connection) -> None:
    assert SUM.query == b"SELECT $1::bigint + $2::bigint + $1"
    assert await connection.ask(SUM, {"b": -1, "a": 1 << 40}) == [((1 << 41) - 1,)]
    assert await connection.ask(SUM, {"b": None, "a": 1}) == [(None,)]


async def test_what_is_sent_comes_back(connection: Connection) -> None:
    """Again and again, however many rows there are."""
    for length in (0, 1, 3, 5_000):
        texts, numbers = [f"né {n}" for n in range(length)], list(range(length))

        found = await connection.ask(ECHO, {"texts": Texts(texts), "numbers": Numbers(numbers)})

        assert found == list(zip(texts, numbers, strict=True))


async def test_more_than_any_buffer_holds_goes_both_ways(connection: Connection) -> None:
    """The server begins to answer while we are still sending, and neither waits for the other."""
    blobs = [bytes([n]) * 1_000_000 for n in range(30)]

    async with asyncio.timeout(30):
        found = await connection.ask(BLOBS, {"blobs": Blobs(blobs)})

    assert found == [(blob,) for blob in blobs]


async def test_waiting_takes_no_processor_time(connection: Connection) -> None:
    """Not after a statement either that went out in parts."""
    slow = Statement("slow", "SELECT pg_sleep(1)::text, length(%(blobs)b::bytea[]::text)")
    used = time.process_time()

    await connection.ask(slow, {"blobs": Blobs([bytes(10_000_000)])})

    assert time.process_time() - used < 0.5


async def test_an_error_is_the_drivers_own(connection: Connection) -> None:
    """The connection can be used again, and the statement needs no second preparation."""
    twice = Statement(
        "twice",
        "INSERT INTO spent_nonces SELECT text, now() FROM unnest(%(texts)b::text[]) AS given(text)",
    )
    for _ in range(2):
        with pytest.raises(psycopg.errors.UniqueViolation, match="already exists") as refused:
            await connection.ask(twice, {"texts": Texts(["one", "one"])})
        assert refused.value.diag.constraint_name
    assert await connection.ask(twice, {"texts": Texts(["one"])}) == []


async def test_a_wrong_statement_is_told(connection: Connection) -> None:
    wrong = Statement("wrong", "SELECT nothing")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await connection.ask(wrong, {})
    assert await connection.ask(SUM, {"a": 1, "b": 1}) == [(3,)]


async def test_a_lost_connection_is_told_as_such(connection: Connection, ledger: Database) -> None:
    asked = asyncio.create_task(connection.ask(SLEEP, {"seconds": 30}))
    await asyncio.sleep(0.2)
    terminate(ledger, connection.info.backend_pid)

    with pytest.raises(psycopg.OperationalError):
        await asked
    with pytest.raises(psycopg.OperationalError):
        await connection.ask(SUM, {"a": 1, "b": 1})


async def test_a_commit_that_fails_is_no_answer(ledger: Database) -> None:
    """Its rows have come by then. Nothing of it happened."""
    insert = Statement("insert", "INSERT INTO late VALUES (%(n)b::bigint) RETURNING n")
    connection = await Connection.connect(ledger.owner, autocommit=True)
    await connection.execute("CREATE TABLE late (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    try:
        assert await connection.ask(insert, {"n": 1}) == [(1,)]
        with pytest.raises(psycopg.errors.UniqueViolation):
            await connection.ask(insert, {"n": 1})
        assert await connection.ask(insert, {"n": 2}) == [(2,)]
    finally:
        await connection.close()


async def test_a_lost_connection_leaves_its_number_to_others(
    connection: Connection, ledger: Database
) -> None:
    """Whoever opens a file next has it, and listens to it himself."""
    loop = asyncio.get_running_loop()
    number, heard = connection.pgconn.socket, asyncio.Event()
    ours, theirs = socket.socketpair()
    asked = asyncio.create_task(connection.ask(SLEEP, {"seconds": 30}))
    ending = asyncio.create_task(asyncio.to_thread(terminate, ledger, connection.info.backend_pid))
    while is_open(number):  # noqa: ASYNC110 (a look in each turn of the loop: nobody is sooner)
        await asyncio.sleep(0)
    os.dup2(ours.fileno(), number)
    loop.add_reader(number, heard.set)
    with ours, theirs:
        with pytest.raises(psycopg.OperationalError):
            await asked
        theirs.send(b"!")
        async with asyncio.timeout(5):
            await heard.wait()
        loop.remove_reader(number)
        os.close(number)
    await ending


def terminate(ledger: Database, pid: int) -> None:
    with psycopg.connect(ledger.writer) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


async def test_no_answer_is_not_waited_for(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "ANSWER_WITHIN", 0.2)
    with pytest.raises(TimeoutError):
        await connection.ask(SLEEP, {"seconds": 30})
    assert connection.pgconn.transaction_status == TransactionStatus.ACTIVE


async def test_who_leaves_leaves_nobody_listening(connection: Connection) -> None:
    """What comes late is nobody's: the file's number may be another connection's by then."""
    asked = asyncio.create_task(connection.ask(SLEEP, {"seconds": 30}))
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not asyncio.get_running_loop().remove_reader(connection.pgconn.socket)
