"""Venues: registered, qualified, suspended."""

from http import HTTPStatus

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from api.bodies import CommandBody, StrictRoute
from api.fields import Day, Department, Region, Text, Venue
from api.receipts import Receipt, carry_out
from api.state import ServiceDep
from api.tokens import Operator
from ledger.decisions.venues import (
    QualifyVenue,
    RegisterVenue,
    ResumeVenue,
    SuspendVenue,
    WithdrawQualification,
)

router = APIRouter(prefix="/v1/venues", tags=["venues"], route_class=StrictRoute)


class VenueBody(CommandBody):
    """A venue and where it is."""

    venue: Venue
    name: Text = Field(description="As its bank knows it.")
    region: Region
    department: Department


class QualificationBody(CommandBody):
    """The days of a qualification."""

    first_day: Day
    last_day: Day | None = Field(None, description="Inclusive; without it, until withdrawn.")
    authority: Text = Field(description="Who granted it.")

    @model_validator(mode="after")
    def _lasts(self) -> "QualificationBody":
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("last_day is before first_day")
        return self


class WithdrawalBody(CommandBody):
    """When it ends."""

    effective_on: Day = Field(description="The first day without qualification.")


class SuspensionBody(CommandBody):
    """Why payments are frozen."""

    cause: Text


@router.post("", status_code=HTTPStatus.CREATED)
async def register_venue(
    body: VenueBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Make a venue known under its SIRET. It takes no ticket before it is qualified."""
    command = RegisterVenue(
        command_id=body.command_id,
        actor=actor.id,
        venue=body.venue,
        name=body.name,
        region=body.region,
        department=body.department,
    )
    return await carry_out(service.writer, response, command)


@router.post("/{venue}/qualifications", status_code=HTTPStatus.CREATED)
async def qualify_venue(
    venue: Venue,
    body: QualificationBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> Receipt:
    """Let a venue take tickets on these days."""
    command = QualifyVenue(
        command_id=body.command_id,
        actor=actor.id,
        venue=venue,
        first_day=body.first_day,
        last_day=body.last_day,
        authority=body.authority,
    )
    return await carry_out(service.writer, response, command)


@router.post("/{venue}/withdrawals", status_code=HTTPStatus.CREATED)
async def withdraw_qualification(
    venue: Venue, body: WithdrawalBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """End a venue's qualification. What it took before stays payable."""
    command = WithdrawQualification(
        command_id=body.command_id, actor=actor.id, venue=venue, effective_on=body.effective_on
    )
    return await carry_out(service.writer, response, command)


@router.post("/{venue}/suspensions", status_code=HTTPStatus.CREATED)
async def suspend_venue(
    venue: Venue, body: SuspensionBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Freeze the venue's payments. What it earned is not lost.

    It goes on taking tickets, but for those whose rules refuse suspended venues.
    """
    command = SuspendVenue(
        command_id=body.command_id, actor=actor.id, venue=venue, cause=body.cause
    )
    return await carry_out(service.writer, response, command)


@router.post("/{venue}/resumptions", status_code=HTTPStatus.CREATED)
async def resume_venue(
    venue: Venue, body: CommandBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Let the venue's payments go on, which were frozen."""
    command = ResumeVenue(command_id=body.command_id, actor=actor.id, venue=venue)
    return await carry_out(service.writer, response, command)
