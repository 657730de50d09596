"""How an ending is told on standard error: in words to people, in a line of JSON to programs."""

import sys
from typing import Any

import msgspec
import typer

from scripts.common.ending import CommandError
from scripts.common.refusals import RefusedError


def tell(error: CommandError, *, as_json: bool) -> None:
    """Say what is wrong, and what to do about it."""
    if as_json:
        sys.stderr.write(msgspec.json.encode({"error": as_object(error)}).decode() + "\n")
        return
    typer.secho(error.message, err=True, fg="red")
    if error.advice:
        typer.echo(error.advice, err=True)


def as_object(error: CommandError) -> dict[str, Any]:
    """An ending for programs, which look at `reason`: add to it, never rename."""
    refused = _refused(error)
    return {
        "reason": error.code.name.lower() if refused is None else refused.refusal.reason,
        "message": _in_unicode(error.message),
        "hint": _in_unicode(error.advice),
        "exit_code": error.code,
        "detail": {} if refused is None else refused.refusal.detail,
    }


def _in_unicode(text: str) -> str:
    """Without what stands for the bytes of an argument that are no text."""
    return text.encode(errors="backslashreplace").decode()


def _refused(error: BaseException | None) -> RefusedError | None:
    """The ledger's refusal that an ending tells in words of its own."""
    while error is not None and not isinstance(error, RefusedError):
        error = error.__cause__
    return error
