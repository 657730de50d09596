"""Carnets put into circulation, moved between holders, handed out."""

from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field, model_validator

from api.bodies import CommandBody, StrictRoute
from api.fields import Beneficiary, Carnet, Holder, Millesime, Programme, Size
from api.receipts import Receipt, carry_out
from api.state import ServiceDep
from api.tokens import Operator
from ledger.decisions.funding import LARGEST_CHUNK, ActivateCarnets
from ledger.decisions.stock import AssignTickets, TransferCarnets

router = APIRouter(prefix="/v1", tags=["stock"], route_class=StrictRoute)

T = TypeVar("T")


def _each_once(listed: list[T]) -> list[T]:
    if len(set(listed)) != len(listed):
        raise ValueError("one is there twice")
    return listed


Carnets = Annotated[
    list[Carnet], Field(min_length=1, max_length=LARGEST_CHUNK), AfterValidator(_each_once)
]


class ActivationBody(CommandBody):
    """Carnets of one millésime."""

    millesime: Millesime
    carnets: Carnets


class TransferBody(CommandBody):
    """A parcel of carnets."""

    carnets: Carnets
    sender: Holder
    receiver: Holder

    @model_validator(mode="after")
    def _moves(self) -> "TransferBody":
        if self.sender == self.receiver:
            raise ValueError("sender and receiver are the same")
        return self


class AssignmentBody(CommandBody):
    """Tickets for one person."""

    holder: Holder = Field(description="Who hands the tickets over.")
    beneficiary: Beneficiary
    tickets: (
        Annotated[list[Size], Field(min_length=1, max_length=99), AfterValidator(_each_once)] | None
    ) = Field(None, description="Numbers within the carnet; without them the whole carnet.")


@router.post("/programmes/{programme}/activations", status_code=HTTPStatus.CREATED)
async def activate_carnets(
    programme: Programme,
    body: ActivationBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> Receipt:
    """Put carnets into circulation, all or none: their face value has to be funded."""
    command = ActivateCarnets(
        command_id=body.command_id,
        actor=actor.id,
        programme=programme,
        millesime=body.millesime,
        carnets=tuple(body.carnets),
    )
    return await carry_out(service.writer, response, command)


@router.post("/transfers", status_code=HTTPStatus.CREATED)
async def transfer_carnets(
    body: TransferBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Move carnets from one holder to another, all or none."""
    command = TransferCarnets(
        command_id=body.command_id,
        actor=actor.id,
        carnets=tuple(body.carnets),
        sender=body.sender,
        receiver=body.receiver,
    )
    return await carry_out(service.writer, response, command)


@router.post("/carnets/{carnet}/assignments", status_code=HTTPStatus.CREATED)
async def assign_tickets(
    carnet: Carnet,
    body: AssignmentBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> Receipt:
    """Hand tickets to a beneficiary. The rules in force become theirs."""
    command = AssignTickets(
        command_id=body.command_id,
        actor=actor.id,
        carnet=carnet,
        holder=body.holder,
        beneficiary=body.beneficiary,
        tickets=None if body.tickets is None else tuple(sorted(body.tickets)),
    )
    return await carry_out(service.writer, response, command)
