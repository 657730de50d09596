"""What two writers on PostgreSQL promise each other."""

import asyncio

import pytest

from ledger.batch import Recorded
from ledger.decisions.programmes import RegisterHolder, StartLedger
from ledger.decisions.situation import Command, Finding
from ledger.decisions.terminals import EnrolTerminal, InviteTerminal
from ledger.decisions.venues import QualifyVenue, RegisterVenue
from ledger.postgres import Database
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import check, enrol_terminal, invite_terminal, revoke_terminal
from tests.builders.world import with_changes
from tests.ledger.stores import Interrupted, Unguarded
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

BEFORE_ANY_PROGRAMME = (
    StartLedger,
    RegisterHolder,
    RegisterVenue,
    QualifyVenue,
    InviteTerminal,
    EnrolTerminal,
)


async def test_of_many_claims_for_a_ticket_through_two_writers_one_wins(ledger: Database) -> None:
    async with writing(store_on(ledger)) as writer, writing(store_on(ledger)) as other:
        outcomes = await asyncio.gather(
            *(writer.submit(claim(1, of=n)) for n in range(40)),
            *(other.submit(claim(1, of=n)) for n in range(40, 80)),
        )

    assert sum(isinstance(each, Recorded) for each in outcomes) == 1
    assert sum(isinstance(each, Refusal) for each in outcomes) == 79


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


async def test_without_its_guard_the_revoked_terminal_would_redeem(ledger: Database) -> None:
    async with writing(Unguarded(ledger.writer, CHANNEL)) as writer:
        async with writing(store_on(ledger)) as other:
            await carry_out(other, [revoke_terminal()])

        assert isinstance(await writer.execute(claim(1)), Recorded)


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
    """Read too early, the terminal was unknown; another host has enrolled it since."""
    store = Interrupted(ledger)
    unknown = invite_terminal(command_id="invitation-9", terminal="t-999999999999")
    early = with_changes(claim(1), {"terminal": unknown.terminal})
    enrol = enrol_terminal(command_id="enrol-9", terminal=unknown.terminal)
    async with writing(store) as writer, writing(store_on(ledger)) as other:
        store.meanwhile = lambda: carry_out(other, [unknown, enrol])

        assert isinstance(await writer.execute(early), Recorded)
