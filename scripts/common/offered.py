"""What there is, where a command asked for something else."""

from ledger.decisions.programmes import OrderCarnets, RegisterHolder
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Command
from ledger.decisions.venues import RegisterVenue
from ledger.values.reasons import Reason, Refusal


def offer_for(refusal: Refusal, command: Command, reference: Reference) -> str:
    """What to ask for instead; nothing where the refusal was for something else."""
    match command:
        case RegisterHolder() if refusal.reason is Reason.HOLDER_EXISTS:
            return _named(command.holder, reference.holders[command.holder].name)
        case RegisterVenue() if refusal.reason is Reason.VENUE_EXISTS:
            return _named(command.venue, reference.venues[command.venue].registered.name)
        case OrderCarnets():
            return _of_order(refusal, command, reference)
        case _:
            return ""


def _named(known: str, name: str) -> str:
    return f"{known} is {name}, or differs in something else: what is recorded stays."


def _of_order(refusal: Refusal, command: OrderCarnets, reference: Reference) -> str:
    programme, detail = command.programme, refusal.detail
    shown = f"`souche programme rules {programme}` shows them."
    match refusal.reason:
        case Reason.SIZE_NOT_OFFERED:
            sizes = ", ".join(map(str, sorted(reference.programmes[programme].rules[-1].sizes)))
            return f"The rules of {programme} offer carnets of {sizes} tickets: {shown}"
        case Reason.MILLESIME_NOT_OFFERED:
            years = sorted(reference.programmes[programme].rules[-1].millesimes)
            return f"The rules of {programme} offer {', '.join(map(str, years))}: {shown}"
        case Reason.CAP_EXCEEDED if "cap_tickets" in detail:
            left = int(detail["left_tickets"])
            return (
                f"The order has {detail['tickets']:,} tickets. The cap of {detail['programme']} is "
                f"{detail['cap_tickets']:,}, of which {left:,} are left: "
                f"{left // command.size:,} carnets of {command.size}."
            )
        case _:
            return ""
