"""What an operator is told of a command that has happened."""

from http import HTTPStatus

from fastapi import Response
from pydantic import BaseModel, Field

from api.execution import execute
from ledger.batch import Recorded
from ledger.decisions.situation import Command
from ledger.writer import Writer


class Receipt(BaseModel):
    """It is durable: who has seen `position` has seen all of it."""

    position: int = Field(description="In the log; reads take it as `at_least`.")
    command_id: str
    replayed: bool = Field(description="It had happened before; nothing happened now.")


async def carry_out(writer: Writer, response: Response, command: Command) -> Receipt:
    """Have a command decided and appended: 201, or 200 where it had happened before.

    Raises:
        ProblemError: it was refused, or its outcome is unknown (retry with the same id).
    """
    return receipt_for(await execute(writer, command), response)


def receipt_for(recorded: Recorded, response: Response) -> Receipt:
    """The receipt of a command that has happened, and the status that belongs to it."""
    response.status_code = HTTPStatus.OK if recorded.replayed else HTTPStatus.CREATED
    return Receipt(
        position=recorded.position,
        command_id=recorded.event.command_id,
        replayed=recorded.replayed,
    )
