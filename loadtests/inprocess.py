"""The writer without HTTP: batches of claims, one after another, in a process of its own."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import uvloop

from ledger.batch import Recorded
from ledger.decisions.redemption import RedeemTickets
from ledger.postgres import Database
from ledger.writer import Writer
from loadtests.claims import commands
from loadtests.machine import Shares, sample, shares
from loadtests.seeded import Device
from loadtests.writing import RefusedError, open_writer, tune_gc

TICKETS = (1, 2, 3, 4, 5)
LARGEST = 1000  # claims a batch
FIVES = "fives"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A ledger, and carnets for each measurement, none of them twice."""

    database: Database
    folder: Path
    devices: Sequence[Device]
    ticket: int  # of the warm-up's and the singles' carnets
    warm_up: Sequence[str]
    singles: Mapping[int, Sequence[str]]  # batch size → carnets, one ticket of each
    whole: Sequence[str]  # five claims of one ticket each, in batches of 1000
    fives: Sequence[str]  # one claim of five tickets each, in batches of 1000


@dataclass(frozen=True, slots=True)
class Measured:
    """By batch size, and of FIVES."""

    rates: dict[str, float]  # tickets a second
    cpu_us: dict[str, float]  # of this process, for a ticket
    machine: dict[str, Shares]


def measure(work: Work) -> Measured:
    """Redeem all of `work` in a new process.

    Raises:
        RefusedError: a claim was not redeemed.

    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, work).result()


def _measure(work: Work) -> Measured:
    return uvloop.run(_redeem_all(work))


async def _redeem_all(work: Work) -> Measured:
    """All commands are made before the first is submitted."""
    ticket = (work.ticket,)
    warm_up = list(commands(work.devices, work.warm_up, ticket))
    runs = {
        str(size): (size, 1, list(commands(work.devices, carnets, ticket)))
        for size, carnets in work.singles.items()
    }
    runs[str(LARGEST)] = (LARGEST, 1, _one_by_one(work))
    runs[FIVES] = (LARGEST, len(TICKETS), list(commands(work.devices, work.fives, TICKETS)))
    measured = Measured({}, {}, {})
    async with open_writer(work.database, work.folder) as writer:
        tune_gc()
        await _redeem(writer, warm_up, 10)
        for name, (size, tickets, claims) in runs.items():
            before, began, used = sample(), time.perf_counter(), time.process_time()
            await _redeem(writer, claims, size)
            seconds, cpu = time.perf_counter() - began, time.process_time() - used
            measured.rates[name] = len(claims) * tickets / seconds
            measured.cpu_us[name] = cpu / (len(claims) * tickets) * 1e6
            measured.machine[name] = shares(before, sample())
    return measured


def _one_by_one(work: Work) -> list[RedeemTickets]:
    """The claims of a carnet stand next to each other, so that one batch has them all."""
    by_ticket = [list(commands(work.devices, work.whole, (ticket,))) for ticket in TICKETS]
    return [claim for claims in zip(*by_ticket, strict=True) for claim in claims]


async def _redeem(writer: Writer, claims: Sequence[RedeemTickets], size: int) -> None:
    for first in range(0, len(claims), size):
        batch = [writer.submit(claim) for claim in claims[first : first + size]]
        for outcome in await asyncio.gather(*batch):
            if not isinstance(outcome, Recorded):
                raise RefusedError(f"{outcome}")
