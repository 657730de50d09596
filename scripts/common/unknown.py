"""What a command names and the ledger does not know: its name, and the command that makes it."""

from collections.abc import Container
from typing import Final

from ledger.decisions.reference import Reference
from ledger.decisions.situation import Command
from ledger.values.reasons import Reason

# Reason → (the fields of a command that may name it, what to say of it)
_TOLD: Final[dict[Reason, tuple[tuple[str, ...], str]]] = {
    Reason.PROGRAMME_UNKNOWN: (
        ("programme",),
        "There is no programme {}: `souche programme open FILE` opens one.",
    ),
    Reason.PARENT_UNKNOWN: (
        ("parent",),
        "There is no programme {}: open the parent first, `souche programme open FILE`",
    ),
    Reason.ORDER_UNKNOWN: (
        ("order",),
        "There is no order {}: see `souche order list`, `souche order create`",
    ),
    Reason.HOLDER_UNKNOWN: (
        ("holder", "sender", "receiver"),
        "There is no holder {0}: see `souche holder list`, `souche holder register {0} NAME`",
    ),
    Reason.VENUE_UNKNOWN: (
        ("venue",),
        "There is no venue {0}: see `souche venue list`, `souche venue register {0} NAME`",
    ),
    Reason.TERMINAL_UNKNOWN: (
        ("terminal",),
        "There is no terminal {}: `souche terminal list` lists them.",
    ),
}


def advice(reason: Reason, name: str) -> str:
    """What to do about a name that isn't known."""
    return _TOLD[reason][1].format(name)


def advice_for(reason: Reason, command: Command, reference: Reference) -> str:
    """The same of a command that was refused; nothing where that was for something else."""
    if reason not in _TOLD:
        return ""
    fields, told = _TOLD[reason]
    known = _known(reason, reference)
    for field in fields:
        name = getattr(command, field, None)
        if name is not None and name not in known:
            return told.format(name)
    return ""


def _known(reason: Reason, reference: Reference) -> Container[str]:
    match reason:
        case Reason.PROGRAMME_UNKNOWN | Reason.PARENT_UNKNOWN:
            return reference.programmes
        case Reason.HOLDER_UNKNOWN:
            return reference.holders
        case Reason.VENUE_UNKNOWN:
            return reference.venues
        case Reason.TERMINAL_UNKNOWN:
            return reference.terminals
        case _:
            return ()
