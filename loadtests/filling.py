"""Carnets by the hundred thousand, made by the commands that make them in earnest.

Each worker process fills a programme of its own, so that they don't wait for one another's stock
and funds. What is left are the codes, a carnet a line, ticket 1 first.
"""

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

import uvloop

from ledger.decisions.funding import ActivateCarnets
from ledger.decisions.programmes import OrderCarnets
from ledger.decisions.stock import AssignTickets
from ledger.facts import CarnetsOrdered
from ledger.postgres import Database
from ledger.secrets import open_secrets
from ledger.service import IssuedCarnet, chunks, issue_command
from ledger.values.ids import BeneficiaryId, HolderId, OrderId, ProgrammeId, carnet_id, derived_id
from ledger.writer import Writer
from loadtests.writing import carry_out, ledger_now, open_writer, tune_gc

ACTOR = "operator:load"
HOLDER = HolderId("load")
ORDER = OrderId("load")


@dataclass(frozen=True, slots=True)
class Fill:
    """One worker's work."""

    database: Database
    folder: Path
    programme: ProgrammeId
    carnets: int
    size: int  # tickets a carnet

    @property
    def codes(self) -> Path:
        """The file that it writes."""
        return self.folder / f"codes-{self.programme}"


def fill(work: Fill) -> Path:
    """Order, issue, activate and assign carnets; return the file of their codes.

    Raises:
        RefusedError: a command was not carried out.

    """
    uvloop.run(_fill(work))
    return work.codes


async def _fill(work: Fill) -> None:
    keys = open_secrets(work.folder)
    seed = secrets.token_bytes(32)
    async with open_writer(work.database, work.folder) as writer:
        tune_gc()
        ordered = await _order(writer, work)
        with work.codes.open("w") as file:
            for first, count in chunks(1, work.carnets):
                command, issued = issue_command(ordered, first, count, seed, keys, ACTOR)
                await carry_out(writer, command)
                await _hand_out(writer, ordered, issued)
                file.writelines(" ".join(each.codes) + "\n" for each in issued)


async def _order(writer: Writer, work: Fill) -> CarnetsOrdered:
    order = OrderCarnets(
        command_id=derived_id("order", work.programme),
        actor=ACTOR,
        programme=work.programme,
        order=ORDER,
        millesime=ledger_now(writer).year,
        carnets=work.carnets,
        size=work.size,
        holder=HOLDER,
    )
    fact = (await carry_out(writer, order)).event.fact
    if not isinstance(fact, CarnetsOrdered):
        raise TypeError(f"an order led to {type(fact).__name__}")
    return fact


async def _hand_out(
    writer: Writer, ordered: CarnetsOrdered, issued: tuple[IssuedCarnet, ...]
) -> None:
    """Activate a chunk, and give each of its carnets to somebody."""
    carnets = tuple(carnet_id(ordered.programme, each.number) for each in issued)
    activate = ActivateCarnets(
        command_id=derived_id("activate", carnets[0]),
        actor=ACTOR,
        programme=ordered.programme,
        millesime=ordered.millesime,
        carnets=carnets,
    )
    await carry_out(writer, activate)
    await asyncio.gather(
        *(
            carry_out(
                writer,
                AssignTickets(
                    command_id=derived_id("assign", carnet),
                    actor=ACTOR,
                    carnet=carnet,
                    holder=HOLDER,
                    beneficiary=BeneficiaryId(derived_id("beneficiary", carnet)),
                ),
            )
            for carnet in carnets
        )
    )
