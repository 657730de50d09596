"""A ticket's code or a carnet's serial, as people type them."""

import re
from dataclasses import dataclass
from typing import Final

import typer

from ledger.values.codes import MalformedCodeError, parse_code
from ledger.values.ids import CarnetId

_TYPED: Final = str.maketrans("ILO", "110", " -.")
_SERIAL: Final = re.compile(r"([0-9A-HJKMNP-TV-Z]{2,8})([0-9]{7})")


@dataclass(frozen=True, slots=True)
class Asked:
    """The public part of what was typed."""

    carnet: CarnetId
    ticket: int | None = None


def parse_serial(typed: str) -> Asked:
    """Read a code or a serial. No message repeats it: it may be a ticket's code.

    Raises:
        BadParameter: it is neither.
    """
    try:
        code = parse_code(typed)
    except MalformedCodeError:
        serial = _SERIAL.fullmatch(typed.upper().translate(_TYPED))
        if serial is None:
            told = "neither a ticket's code nor a carnet's serial, such as BFC22-0001234"
            raise typer.BadParameter(told) from None
        return Asked(CarnetId("-".join(serial.groups())))
    return Asked(code.carnet, code.ticket)
