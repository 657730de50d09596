"""What one writer on PostgreSQL promises."""

import asyncio

import pytest

from ledger.batch import Recorded
from ledger.decisions.situation import InvalidCommandError
from ledger.facts.codec import encode
from ledger.log.rows import LARGEST_EVENT
from ledger.postgres import Database
from ledger.secrets import WrongPepperError
from ledger.values.codes import Pepper
from ledger.values.reasons import Reason, Refusal
from ledger.writer import OutcomeUnknownError, Writer
from tests.builders.world import TERMINAL, with_changes
from tests.ledger.writing import (
    SetClock,
    carry_out,
    claim,
    events,
    in_circulation,
    refusals,
    store_on,
    writing,
)

pytestmark = pytest.mark.anyio


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
    late = Writer(
        store_on(database), SetClock(), {"2022": Pepper(b"a pepper of another folder, too")}
    )
    await late.start()
    async with writing(store_on(database)) as writer:
        await carry_out(writer, in_circulation(carnets=2))

    with pytest.raises(OutcomeUnknownError):
        await late.execute(claim(1))
    await late.stop()
    assert "pepper-2022.key is not the one" in caplog.text


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
