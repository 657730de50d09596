"""What the read models say: balances, payouts, exposure.

To them, who does not exist and who did nothing yet are alike; so for the former the log is asked.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.bodies import StrictRoute
from api.fields import Programme, Venue
from api.problems import ProblemError, problem
from api.reading import AtLeast, reached
from api.state import ServiceDep
from api.streams import has_begun
from api.tokens import Reader
from ledger.values.ids import ProgrammeId, VenueId, programme_stream, venue_stream
from ledger.values.reasons import Reason
from projections.balances import AccountBalance, TrialBalance, list_balances, trial_balance
from projections.exposure import CarnetOrder, Exposure, exposure, list_orders
from projections.payouts import VenuePayout, list_payouts, payout_of
from projections.projection import AsyncConnection
from projections.redemptions import DayOfRedemptions, redemptions_per_day

router = APIRouter(prefix="/v1", tags=["reads"], route_class=StrictRoute)


class ReadModel(BaseModel):
    """How far into the log the answer reaches."""

    position: int = Field(description="The answer includes every event up to here.")
    stopped_at: int | None = Field(
        description="Position of an event that the read model can't take: without somebody's help "
        "the answer reaches no further. Null where there is none."
    )


class Balances(ReadModel):
    """Accounts by name."""

    accounts: list[AccountBalance]


class TrialBalances(ReadModel):
    """The sums of all accounts."""

    trial_balance: TrialBalance
    balanced: bool = Field(description="Debits and credits sum to zero.")


class Payouts(ReadModel):
    """Venues that ever took a ticket."""

    venues: list[VenuePayout]


class Payout(ReadModel):
    """One venue's sums."""

    payout: VenuePayout


class Exposures(ReadModel):
    """Programmes by millésime."""

    millesimes: list[Exposure]


class Orders(ReadModel):
    """Orders by number."""

    orders: list[CarnetOrder]


class Days(ReadModel):
    """Days on which tickets were taken."""

    days: list[DayOfRedemptions]


@router.get("/balances")
async def show_balances(
    _: Reader,
    service: ServiceDep,
    prefix: Annotated[str, Query(pattern="^[A-Za-z0-9:._-]{0,80}$")] = "",
    at_least: AtLeast = 0,
) -> Balances:
    """Account balances, debit positive: all accounts, or those whose name starts with `prefix`."""
    async with reached(service, "balances", at_least) as (views, at):
        return Balances(**at, accounts=await list_balances(views, prefix))


@router.get("/trial-balance")
async def show_trial_balance(
    _: Reader, service: ServiceDep, at_least: AtLeast = 0
) -> TrialBalances:
    """All accounts together. They sum to zero."""
    async with reached(service, "balances", at_least) as (views, at):
        found = await trial_balance(views)
        return TrialBalances(**at, trial_balance=found, balanced=found.balanced)


@router.get("/payouts")
async def show_payouts(_: Reader, service: ServiceDep, at_least: AtLeast = 0) -> Payouts:
    """What each venue earned, was paid, and is owed."""
    async with reached(service, "payouts", at_least) as (views, at):
        return Payouts(**at, venues=await list_payouts(views))


@router.get("/payouts/{venue}")
async def show_payout(
    venue: Venue, _: Reader, service: ServiceDep, at_least: AtLeast = 0
) -> Payout:
    """What one venue earned, was paid, and is owed; zero where it took nothing yet."""
    async with reached(service, "payouts", at_least) as (views, at):
        await _find_venue(views, venue)
        return Payout(**at, payout=await payout_of(views, venue))


@router.get("/exposure")
async def show_exposures(_: Reader, service: ServiceDep, at_least: AtLeast = 0) -> Exposures:
    """Tickets and funding at each stage, of every programme and millésime."""
    async with reached(service, "programmes", at_least) as (views, at):
        return Exposures(**at, millesimes=await exposure(views))


@router.get("/programmes/{programme}/exposure")
async def show_exposure(
    programme: Programme, _: Reader, service: ServiceDep, at_least: AtLeast = 0
) -> Exposures:
    """Tickets and funding at each stage, of one programme by millésime."""
    async with reached(service, "programmes", at_least) as (views, at):
        await _find_programme(views, programme)
        return Exposures(**at, millesimes=await exposure(views, programme))


@router.get("/programmes/{programme}/orders")
async def show_orders(
    programme: Programme, _: Reader, service: ServiceDep, at_least: AtLeast = 0
) -> Orders:
    """A programme's orders: how many of their carnets exist, how many tickets are handed out."""
    async with reached(service, "programmes", at_least) as (views, at):
        await _find_programme(views, programme)
        return Orders(**at, orders=await list_orders(views, programme))


@router.get("/programmes/{programme}/redemptions")
async def show_redemptions(
    programme: Programme, _: Reader, service: ServiceDep, at_least: AtLeast = 0
) -> Days:
    """Redemptions by the day on which they were served, before later voids."""
    async with reached(service, "redemptions", at_least) as (views, at):
        await _find_programme(views, programme)
        return Days(**at, days=await redemptions_per_day(views, programme))


async def _find_venue(views: AsyncConnection, venue: VenueId) -> None:
    if not await has_begun(views, venue_stream(venue)):
        raise ProblemError(problem(Reason.VENUE_UNKNOWN))


async def _find_programme(views: AsyncConnection, programme: ProgrammeId) -> None:
    if not await has_begun(views, programme_stream(programme)):
        raise ProblemError(problem(Reason.PROGRAMME_UNKNOWN))
