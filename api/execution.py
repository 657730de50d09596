"""One command, from a route to its outcome."""

from collections.abc import Awaitable
from typing import TypeVar

import msgspec

from api.problems import ProblemError, problem, problem_for
from ledger.batch import Outcome, Recorded
from ledger.decisions.situation import Command
from ledger.values.reasons import Refusal
from ledger.writer import CommandFailedError, OutcomeUnknownError, OverloadedError, Writer

T = TypeVar("T")


async def execute(writer: Writer, command: Command) -> Recorded:
    """Have a command decided and appended.

    Raises:
        ProblemError: it was refused, or its outcome is unknown (retry with the same id).
    """
    return recorded(await attempt(writer.execute(command)))


async def attempt(asked: Awaitable[T]) -> T:
    """What the writer answers.

    Raises:
        ProblemError: it is overloaded or failed, or the outcome is unknown.
    """
    try:
        return await asked
    except OverloadedError as e:
        raise ProblemError(problem("overloaded")) from e
    except OutcomeUnknownError as e:
        raise ProblemError(problem("unavailable")) from e
    except CommandFailedError as e:
        raise ProblemError(problem("failed")) from e


def recorded(outcome: Outcome) -> Recorded:
    """The outcome, if the command has happened.

    Raises:
        ProblemError: it was refused; the operator is told what would have to be otherwise.
    """
    if isinstance(outcome, Recorded):
        return outcome
    if isinstance(outcome, Refusal):
        detail = ", ".join(f"{name}: {value}" for name, value in outcome.detail.items())
        raise ProblemError(msgspec.structs.replace(problem_for(outcome), detail=detail))
    raise TypeError(f"unexpected outcome {type(outcome).__name__}")
