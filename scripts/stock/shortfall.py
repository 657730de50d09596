"""What is told where there are fewer carnets than were asked for."""

from collections.abc import Sequence

from ledger.facts import CarnetsOrdered
from ledger.values.ids import CarnetId, HolderId
from scripts.common.ledger import Ledger
from scripts.stock.choosing import next_in_stock, number_of, numbers_of


def beyond(ordered: CarnetsOrdered, asked: Sequence[CarnetId], count: int | None) -> str:
    """What is said of those that the order does not have; nothing where it has them all."""
    if count is None or len(asked) == count:
        return ""
    return f"Only {len(asked):,} of {count:,}: order {ordered.order} {numbers_of(ordered)}."


async def shortfall(
    ledger: Ledger,
    ordered: CarnetsOrdered,
    holder: HolderId,
    asked: Sequence[CarnetId],
    assigned: int,
) -> str:
    """Why, and which carnet the holder has next."""
    begin = f"Only {assigned:,} handed out" if assigned else "None handed out"
    told = f"{begin}: {_why(ordered, asked, assigned)}."
    following = await next_in_stock(ledger, ordered, holder)
    if following is None:
        return f"{told} {holder} has no more of order {ordered.order}."
    return f"{told} The next in stock is {following}: `--first {following}`"


def _why(ordered: CarnetsOrdered, asked: Sequence[CarnetId], assigned: int) -> str:
    before = len(asked) - assigned
    if not before:
        return f"order {ordered.order} {numbers_of(ordered)}"
    numbers = f"numbers {number_of(asked[0])}–{number_of(asked[-1])}"
    return f"{before:,} of {numbers} were before" if assigned else f"{numbers} were before"
