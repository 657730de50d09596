"""Terminals as the operator sees them: invited and revoked."""

from http import HTTPStatus

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.bodies import CommandBody, StrictRoute
from api.execution import attempt, recorded
from api.fields import ShortText, Terminal, Text, Venue
from api.problems import ProblemError, problem
from api.receipts import Receipt, carry_out
from api.sessions import shown
from api.state import ServiceDep
from api.tokens import Operator
from ledger.decisions.terminals import RevokeTerminal
from ledger.service import Invitation, invite
from ledger.values.reasons import Reason

router = APIRouter(prefix="/v1/terminals", tags=["terminals"], route_class=StrictRoute)


class InvitationBody(CommandBody):
    """A device of a venue."""

    venue: Venue
    label: ShortText = Field(description="What people call the device: a counter, a room.")


class InvitedTerminal(BaseModel):
    """What the device has to show."""

    terminal: str
    invitation: str = Field(description="One-time code for the device. Shown here only.")
    qr: str = Field(description="The text of the QR code that the device scans.")
    expires_at: str
    position: int


class RevocationBody(CommandBody):
    """Why it is revoked."""

    cause: Text


@router.post("", status_code=HTTPStatus.CREATED)
async def invite_terminal(
    body: InvitationBody, actor: Operator, service: ServiceDep, response: Response
) -> InvitedTerminal:
    """Make a one-time code for a device of a venue, good for ten minutes.

    It is kept nowhere, so a retry is refused as a reused id: ask with a new one.
    """
    made = await attempt(invite(service.writer, body.venue, body.label, body.command_id, actor.id))
    if not isinstance(made, Invitation):
        recorded(made)
        raise TypeError(f"an invitation led to {type(made).__name__}")
    response.headers["cache-control"] = "no-store"
    return InvitedTerminal(
        terminal=made.terminal,
        invitation=made.code,
        qr=f"souche:{service.sessions.authority}/{made.code}",
        expires_at=shown(made.expires_at),
        position=made.position,
    )


@router.post("/{terminal}/revocations", status_code=HTTPStatus.CREATED)
async def revoke_terminal(
    terminal: Terminal,
    body: RevocationBody,
    actor: Operator,
    service: ServiceDep,
    response: Response,
) -> Receipt:
    """Let a device redeem nothing any more, from this position on."""
    command = RevokeTerminal(
        command_id=body.command_id, actor=actor.id, terminal=terminal, cause=body.cause
    )
    try:
        return await carry_out(service.writer, response, command)
    except ProblemError as e:
        if e.problem.reason != Reason.TERMINAL_UNKNOWN:
            raise
        # To the device itself that is 401. Here the token is good: there is no such device.
        raise ProblemError(problem("not-found")) from e
