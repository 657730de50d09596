"""Programmes, their rules and their funding; holders of stock."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from api.bodies import CommandBody, StrictRoute
from api.fields import (
    Amount,
    Cap,
    Funder,
    Holder,
    Millesime,
    Programme,
    Siret,
    Text,
    Weight,
    Zone,
)
from api.receipts import Receipt, carry_out
from api.rules import RulesBody
from api.state import ServiceDep
from api.tokens import Operator
from ledger.decisions.funding import RecordFunding
from ledger.decisions.programmes import (
    CloseProgramme,
    OpenProgramme,
    PublishRules,
    RegisterHolder,
)
from ledger.values.money import LARGEST_AMOUNT

router = APIRouter(prefix="/v1", tags=["programmes"], route_class=StrictRoute)


class OpenProgrammeBody(CommandBody):
    """A programme: its name, its calendar, its cap, who pays for it."""

    programme: Programme = Field(description="The prefix of its ticket codes.")
    name: Text
    zone: Zone = "Europe/Paris"
    cap_tickets: Cap | None = None
    shares: Annotated[dict[Funder, Weight], Field(min_length=1, max_length=100)] = Field(
        description="Funder → weight in the face value, allocated on running totals."
    )
    parent: Programme | None = Field(None, description="An envelope that this one draws on.")


class PublishRulesBody(CommandBody):
    """The next version of the rules."""

    rule_version: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    rules: RulesBody


class HolderBody(CommandBody):
    """A funder, a town hall, a distribution point."""

    holder: Holder
    name: Text
    siret: Siret | None = None


class FundingBody(CommandBody):
    """Face value by funder."""

    millesime: Millesime
    stage: Literal["commitment", "order", "cash"] = Field(
        description="Promised (*engagement*), ordered for payment (*mandat*), or on the account."
    )
    reference: Text = Field(
        description="Number of the commitment, the order or the bank's entry. It counts once."
        " Letters and digits are compared, without capitals and accents; what stands between them"
        " tells two apart only as `2022/1/12` and `2022/11/2`, where each has punctuation between"
        " two digits and the other has none. Another entry that is refused takes one word more."
    )
    cents: Annotated[dict[Funder, Amount], Field(min_length=1, max_length=100)] = Field(
        description=f"Funder → cents, {LARGEST_AMOUNT} at most together."
    )


@router.post("/programmes", status_code=HTTPStatus.CREATED)
async def open_programme(
    body: OpenProgrammeBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Open a programme. Nothing can be ordered before its rules are published."""
    command = OpenProgramme(
        command_id=body.command_id,
        actor=actor.id,
        programme=body.programme,
        name=body.name,
        zone=body.zone,
        cap_tickets=body.cap_tickets,
        shares={str(funder): weight for funder, weight in body.shares.items()},
        parent=body.parent,
    )
    return await carry_out(service.writer, response, command)


@router.post("/programmes/{programme}/rules", status_code=HTTPStatus.CREATED)
async def publish_rules(
    programme: Programme,
    body: PublishRulesBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> Receipt:
    """Publish the next version of the rules. What exists keeps the version it was made under."""
    command = PublishRules(
        command_id=body.command_id,
        actor=actor.id,
        programme=programme,
        rule_version=body.rule_version,
        rules=body.rules.rules(),
    )
    return await carry_out(service.writer, response, command)


@router.post("/programmes/{programme}/close", status_code=HTTPStatus.CREATED)
async def close_programme(
    programme: Programme,
    body: CommandBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> Receipt:
    """Close a programme: nothing is ordered, assigned or redeemed in it any more."""
    command = CloseProgramme(command_id=body.command_id, actor=actor.id, programme=programme)
    return await carry_out(service.writer, response, command)


@router.post("/programmes/{programme}/funding", status_code=HTTPStatus.CREATED)
async def record_funding(
    programme: Programme,
    body: FundingBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> Receipt:
    """Record face value that funders committed, ordered or paid. Fees are booked elsewhere."""
    command = RecordFunding(
        command_id=body.command_id,
        actor=actor.id,
        programme=programme,
        millesime=body.millesime,
        stage=body.stage,
        reference=body.reference,
        cents={str(funder): cents for funder, cents in body.cents.items()},
    )
    return await carry_out(service.writer, response, command)


@router.post("/holders", status_code=HTTPStatus.CREATED)
async def register_holder(
    body: HolderBody, actor: Operator, service: ServiceDep, response: Response
) -> Receipt:
    """Make an organisation known that may hold stock."""
    command = RegisterHolder(
        command_id=body.command_id,
        actor=actor.id,
        holder=body.holder,
        name=body.name,
        siret=body.siret,
    )
    return await carry_out(service.writer, response, command)
