"""The demo from its first fact to its last transfer."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from api.actors import Actor, Role
from ledger.decisions.programmes import StartLedger
from ledger.facts import CarnetsOrdered
from ledger.postgres import Database
from ledger.settings import Settings
from ledger.values.ids import RunId, carnet_id, derived_id
from scripts.common import runs
from scripts.common.ledger import Ledger, open_ledger
from scripts.common.starting import ACTOR, start_ledger
from scripts.common.tokens import identify, read_token
from scripts.demonstration.cast import DISTRIBUTION_POINTS, REVOKED_AT, WITHDRAWN
from scripts.demonstration.clock import DemoClock
from scripts.demonstration.opening import Open, open_tills
from scripts.demonstration.preparing import Watch, prepare_last_year, prepare_today
from scripts.demonstration.refusing import Tickets, Tills, revoke, try_in_vain
from scripts.demonstration.story import Story, tell
from scripts.demonstration.taking import take
from scripts.stock.printing import read_print

RUN: Final = RunId("2022-03-15")
UNUSED: Final = 400  # carnets that people keep for another day

Codes = Mapping[str, tuple[str, ...]]  # by carnet


@dataclass(frozen=True, slots=True)
class Prepared:
    """Orders whose carnets are with people."""

    last_year: CarnetsOrdered
    today: CarnetsOrdered


def begin(settings: Settings, database: Database, clock: DemoClock) -> None:
    """Write the first fact: this is a demo, and its clock is moved."""
    start = StartLedger(
        command_id=derived_id("start"),
        actor=ACTOR,
        demo=True,
        clock_offset_seconds=int(clock.offset.total_seconds()),
    )
    start_ledger(settings, database, start, clock)
    clock.begin()


async def prepare(
    settings: Settings, database: Database, clock: DemoClock, watch: Watch
) -> Prepared:
    """All that happens before the venues open."""
    prints = settings.data / "print"
    prints.mkdir()
    operator = _actor(settings, database, Role.OPERATOR)
    async with open_ledger(settings, database, operator, clock) as ledger:
        last_year = await prepare_last_year(ledger, prints, watch)
        today = await prepare_today(ledger, clock, prints, watch)
    return Prepared(last_year, today)


async def play(
    settings: Settings, database: Database, prepared: Prepared, watch: Watch, began: float
) -> Story:
    """The day itself, with the service up: tills, claims, refusals, payment."""
    operator = _actor(settings, database, Role.OPERATOR)
    async with open_ledger(settings, database, operator) as ledger:
        tills = await open_tills(ledger, settings.signed_authority, watch)
        codes = _codes(settings, prepared.today)
        handed_out = list(_handed_out(prepared.today, codes))
        answers = await take(tills, handed_out[:-UNUSED], watch)
        refused = await _refuse(ledger, tills, prepared, handed_out)
        await _pay(ledger, _actor(settings, database, Role.APPROVER))
        return await tell(
            ledger, RUN, answers=answers, refused=refused, tills=len(tills), began=began
        )


async def _refuse(
    ledger: Ledger, tills: list[Open], prepared: Prepared, handed_out: list[tuple[str, ...]]
) -> Counter[str]:
    by_venue = {each.venue: each.till for each in tills}  # the last one of each
    trying = Tills(
        honest=tills[0].till,
        revoked=by_venue[REVOKED_AT.id],
        withdrawn=by_venue[WITHDRAWN.id],
    )
    await revoke(ledger, trying.revoked)
    codes = _codes(ledger.settings, prepared.today)
    tickets = Tickets(
        redeemed=handed_out[:5],
        good=handed_out[-UNUSED:],
        in_stock=list(codes.values())[-2:],
        expired=list(_codes(ledger.settings, prepared.last_year).values()),
    )
    return try_in_vain(trying, tickets)


async def _pay(ledger: Ledger, approver: Actor) -> None:
    """Two people: who submits the run is not who approves it."""
    await runs.fix_cutoff(ledger, RUN)
    await runs.draft(ledger, RUN)
    await runs.submit(ledger, RUN)
    drafted = (await runs.show(ledger, RUN)).so_far.drafted
    if drafted is None:
        raise LookupError("the run has no draft")
    await runs.approve(replace(ledger, actor=approver), RUN, drafted.digest)
    await runs.pay(ledger, RUN)


def _handed_out(ordered: CarnetsOrdered, codes: Codes) -> Iterator[tuple[str, ...]]:
    """The codes of the carnets that people hold."""
    first = ordered.first_number
    for point in DISTRIBUTION_POINTS:
        for number in range(first, first + point.handed_out):
            yield codes[carnet_id(ordered.programme, number)]
        first += point.carnets


def _codes(settings: Settings, ordered: CarnetsOrdered) -> Codes:
    return read_print(settings.data / "print" / f"{ordered.order}.jsonl")


def _actor(settings: Settings, database: Database, role: Role) -> Actor:
    return identify(database, read_token(settings.data, role))
