"""What is done with many carnets of an order at once, as commands: looked at, done, and told."""

from typing import Annotated

import typer

from ledger.values.ids import HolderId
from scripts.common.fields import Count, First, Held, Order, Programme, parse_holder
from scripts.common.ledger import Ledger
from scripts.common.options import As, Data
from scripts.common.progress import progress
from scripts.common.showing import say, warn
from scripts.common.working import work
from scripts.stock.checking import to_activate, to_assign, to_transfer
from scripts.stock.choosing import find_carnets
from scripts.stock.moving import activate, assign, refuse_same, transfer
from scripts.stock.shortfall import beyond, shortfall


def activate_order(
    *,
    programme: Programme,
    order: Order,
    first: First = None,
    count: Count = None,
    data: Data = None,
    who: As = None,
) -> None:
    """Put carnets into circulation: the face value of all of them has to be funded.

    Carnets that are in circulation already are passed over: run it again after an interruption.
    """

    async def act(ledger: Ledger) -> tuple[int, int, str]:
        ordered, carnets = await find_carnets(ledger, programme, order, (first, count))
        left = await to_activate(ledger, ordered, carnets)
        with progress("activate", len(left)) as advance:
            await activate(ledger, ordered, left, advance)
        return len(left), len(carnets), beyond(ordered, carnets, count)

    new, asked, missing = work(data, who, act)
    say(f"{asked:,} carnets are in circulation{_already(new, asked)}.")
    if missing:
        warn(missing)


def transfer_carnets(
    *,
    programme: Programme,
    order: Order,
    receiver: Annotated[
        HolderId,
        typer.Option("--to", metavar="HOLDER", parser=parse_holder, help="Who receives them."),
    ],
    sender: Annotated[
        HolderId | None,
        typer.Option("--from", metavar="HOLDER", parser=parse_holder, help="Else the order's."),
    ] = None,
    first: First = None,
    count: Count = None,
    data: Data = None,
    who: As = None,
) -> None:
    """Move carnets from one holder to another.

    Carnets that the receiver has already are passed over: run it again after an interruption.
    """

    async def act(ledger: Ledger) -> tuple[int, int, str]:
        ordered, carnets = await find_carnets(ledger, programme, order, (first, count))
        holders = (sender or ordered.holder, receiver)
        refuse_same(*holders)
        left = await to_transfer(ledger, ordered, carnets, holders)
        with progress("transfer", len(left)) as advance:
            await transfer(ledger, left, holders, advance)
        return len(left), len(carnets), beyond(ordered, carnets, count)

    new, asked, missing = work(data, who, act)
    say(f"{asked:,} carnets are with {receiver}{_already(new, asked)}.")
    if missing:
        warn(missing)


def assign_carnets(
    *,
    programme: Programme,
    order: Order,
    holder: Held,
    first: First = None,
    count: Count = None,
    data: Data = None,
    who: As = None,
) -> None:
    """Hand carnets out, each to somebody known by a random id alone.

    Carnets that are handed out already are passed over.
    """

    async def act(ledger: Ledger) -> tuple[int, str]:
        ordered, carnets = await find_carnets(ledger, programme, order, (first, count))
        left = await to_assign(ledger, ordered, carnets, holder)
        with progress("assign", len(left)) as advance:
            assigned = await assign(ledger, left, holder, advance)
        if assigned and assigned >= (count or len(carnets)):
            return assigned, ""
        return assigned, await shortfall(ledger, ordered, holder, carnets, assigned)

    assigned, missing = work(data, who, act)
    if assigned:
        say(f"Carnets handed out: {assigned:,}.")
    if missing:
        warn(missing)


def _already(new: int, asked: int) -> str:
    """What is said where nothing had to be done with some of them."""
    if new == asked:
        return ""
    return f", {asked - new:,} of them already" if new else " already"
