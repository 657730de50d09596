"""Orders of carnets, and the issue of their chunks with the codes for the printer."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from api.bodies import Body, CommandBody, StrictRoute
from api.execution import execute
from api.fields import Count, Holder, Millesime, Order, Programme, Size
from api.problems import ProblemError, problem
from api.receipts import Receipt, carry_out, receipt_for
from api.state import Service, ServiceDep
from api.streams import events_of
from api.tokens import Operator
from ledger.decisions.funding import LARGEST_CHUNK
from ledger.decisions.programmes import OrderCarnets
from ledger.facts import CarnetsOrdered, ProgrammeOpened
from ledger.service import issue_command
from ledger.values.ids import ProgrammeId, carnet_id, programme_stream
from ledger.values.keys import decode_base64url
from ledger.values.reasons import Reason

router = APIRouter(prefix="/v1", tags=["stock"], route_class=StrictRoute)


def _canonical(encoded: str) -> str:
    decode_base64url(encoded)
    return encoded


Seed = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$"), AfterValidator(_canonical)]


class OrderBody(CommandBody):
    """How many carnets, of what size, for whom."""

    order: Order
    millesime: Millesime
    carnets: Count
    size: Size = Field(description="Tickets a carnet.")
    holder: Holder = Field(description="Who receives the stock.")


class ChunkBody(Body):
    """An order's next carnets."""

    seed: Seed = Field(
        description="32 random bytes, base64url. Keep it until the order is printed: the same "
        "seed gives the same codes, and nobody can make them again without it."
    )
    first_number: Count
    carnets: Annotated[int, Field(strict=True, ge=1, le=LARGEST_CHUNK)]


class PrintedCarnet(BaseModel):
    """A carnet with its codes in clear."""

    carnet: str
    codes: list[str] = Field(description="Ticket 1 first. In clear here and nowhere else.")


class IssuedChunk(Receipt):
    """The carnets that exist now."""

    carnets: list[PrintedCarnet]


@router.post("/programmes/{programme}/orders", status_code=HTTPStatus.CREATED)
async def order_carnets(
    programme: Programme,
    body: OrderBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> Receipt:
    """Order carnets: their numbers, validity and face value are fixed from here on."""
    command = OrderCarnets(
        command_id=body.command_id,
        actor=actor.id,
        programme=programme,
        parent=await _parent_of(service, programme),
        order=body.order,
        millesime=body.millesime,
        carnets=body.carnets,
        size=body.size,
        holder=body.holder,
    )
    return await carry_out(service.writer, response, command)


@router.post("/programmes/{programme}/orders/{order}/chunks", status_code=HTTPStatus.CREATED)
async def issue_chunk(
    *,
    programme: Programme,
    order: Order,
    body: ChunkBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> IssuedChunk:
    """Issue an order's next carnets, and take their codes for the print file.

    Its id follows from the order and the first number. A retry with the same seed shows the same
    codes; with another seed it is refused as a reused id.
    """
    ordered = await _ordered(service, programme, order)
    seed = decode_base64url(body.seed)
    # On a thread: thousands of codes would keep terminals waiting.
    command, printed = await asyncio.to_thread(
        issue_command, ordered, body.first_number, body.carnets, seed, service.secrets, actor.id
    )
    receipt = receipt_for(await execute(service.writer, command), response)
    response.headers["cache-control"] = "no-store"
    carnets = [
        PrintedCarnet(carnet=carnet_id(programme, each.number), codes=list(each.codes))
        for each in printed
    ]
    return IssuedChunk(**receipt.model_dump(), carnets=carnets)


async def _parent_of(service: Service, programme: ProgrammeId) -> ProgrammeId | None:
    """The envelope that the programme draws on, fixed when it was opened."""
    async with service.views.connection() as connection:
        for _, event in await events_of(connection, programme_stream(programme)):
            if isinstance(event.fact, ProgrammeOpened):
                return event.fact.parent
    return None


async def _ordered(service: Service, programme: ProgrammeId, order: str) -> CarnetsOrdered:
    async with service.views.connection() as connection:
        events = await events_of(connection, programme_stream(programme))
    if not events:
        raise ProblemError(problem(Reason.PROGRAMME_UNKNOWN))
    for _, event in events:
        if isinstance(event.fact, CarnetsOrdered) and event.fact.order == order:
            return event.fact
    raise ProblemError(problem(Reason.ORDER_UNKNOWN))
