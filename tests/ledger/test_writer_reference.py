"""Reference data that the log lacks, or that this program can't read: nothing is decided then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from ledger.batch import Recorded
from ledger.facts.codec import REFERENCE_TOPICS
from ledger.knowledge import ReferenceUnknownError
from ledger.log.connection import PostgresSession, PostgresStore
from ledger.log.store import StoredRow
from ledger.postgres import Database
from ledger.values.reasons import Reason, Refusal
from ledger.writer import WORTH_A_LANE, OutcomeUnknownError
from tests.builders.commands import qualify_venue, register_venue, revoke_terminal
from tests.builders.world import OTHER_VENUE
from tests.ledger.writing import CHANNEL, carry_out, claim, events, store_on, writing

pytestmark = pytest.mark.anyio


def put_back(ledger: Database, size: int) -> None:
    """Leave of the log what an older backup, or a standby that was behind, would have of it."""
    with psycopg.connect(ledger.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE events DISABLE TRIGGER events_only_grow")
        owner.execute("DELETE FROM events WHERE notification_id > %s", [size])
        owner.execute("ALTER TABLE events ENABLE ALWAYS TRIGGER events_only_grow")
        owner.execute(
            "UPDATE log_head SET size = %s, reference ="
            " (SELECT max(notification_id) FROM events WHERE topic = ANY(%s))",
            [size, list(REFERENCE_TOPICS)],
        )


def write_with_a_later_version(ledger: Database, version: int = 1) -> None:
    """A reference fact of a kind that this program does not know."""
    with psycopg.connect(ledger.owner) as owner:
        owner.execute("UPDATE log_head SET size = size + 1, reference = size + 1")
        owner.execute(
            "INSERT INTO events (originator_id, originator_version, topic, state, notification_id)"
            " SELECT 'venue:1', %s, 'venue.blocked.v1', '{}', size FROM log_head",
            [version],
        )


async def test_what_is_gone_from_a_log_that_was_put_back_is_relied_on_no_more(
    ledger: Database,
) -> None:
    async with writing(store_on(ledger)) as writer:
        size = len(events(ledger))
        await carry_out(writer, [register_venue(command_id="other", venue=OTHER_VENUE), claim(1)])
        put_back(ledger, size)

        qualified = await writer.execute(qualify_venue(command_id="late", venue=OTHER_VENUE))

        assert qualified == Refusal(Reason.VENUE_UNKNOWN)
        assert OTHER_VENUE not in writer.reference.venues
        assert isinstance(await writer.execute(claim(1)), Recorded)
    async with writing(store_on(ledger)):
        """The log can still be read from its beginning."""


class Late(PostgresStore):
    """A log whose next answer on reference data comes while another lane holds the head."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.writer, CHANNEL)
        self.late = False
        self.has_read = asyncio.Event()
        self._held = asyncio.Event()

    async def read_reference(self, after: int) -> list[StoredRow]:
        found = await super().read_reference(after)
        if self.late:
            self.late = False
            self.has_read.set()
            await self._held.wait()
        return found

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[PostgresSession]:
        async with super().locked() as session:
            self._held.set()
            yield session


async def test_a_lane_that_knows_less_does_not_make_another_forget(ledger: Database) -> None:
    """It reads before a revocation, and hears of it after the other one has decided on it."""
    store = Late(ledger)
    async with writing(store) as writer, writing(store_on(ledger)) as other:
        writer._known.is_stale = store.late = True
        first = writer.submit(claim(1, number=2))
        await store.has_read.wait()
        await carry_out(other, [revoke_terminal()])

        refused = [writer.submit(claim(1, of=n)) for n in range(WORTH_A_LANE)]

        told = await asyncio.gather(first, *refused)
        assert told == [Refusal(Reason.TERMINAL_REVOKED)] * len(told)


async def test_a_program_that_is_too_old_for_the_log_decides_nothing(
    ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with writing(store_on(ledger)) as writer:
        for version in (1, 2):
            write_with_a_later_version(ledger, version)
            with pytest.raises(OutcomeUnknownError):
                await writer.execute(claim(version))

    (told,) = caplog.messages  # of a position that goes on
    assert "a later version writes here" in told
    with psycopg.connect(ledger.owner) as owner:
        assert owner.execute("SELECT FROM events WHERE topic = 'tickets.redeemed.v1'").rowcount == 0


async def test_a_program_that_is_too_old_for_the_log_does_not_start(ledger: Database) -> None:
    write_with_a_later_version(ledger)

    with pytest.raises(ReferenceUnknownError, match="until it runs that version"):
        async with writing(store_on(ledger)):
            pytest.fail("it started")
