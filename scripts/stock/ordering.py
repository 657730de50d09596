"""Orders: each is made once, and found again by its name."""

from dataclasses import dataclass

from api.streams import events_of
from ledger.batch import Recorded
from ledger.decisions.programmes import OrderCarnets
from ledger.facts import CarnetsIssued, CarnetsOrdered
from ledger.values.ids import programme_stream
from ledger.values.reasons import Reason, Refusal
from scripts.common.ledger import Ledger
from scripts.common.refusals import RefusedError
from scripts.common.unknown import advice


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order and the chunks of it that exist."""

    ordered: CarnetsOrdered
    issued: tuple[CarnetsIssued, ...]

    @property
    def issued_carnets(self) -> int:
        return sum(chunk.carnets for chunk in self.issued)

    @property
    def is_complete(self) -> bool:
        return self.issued_carnets == self.ordered.carnets


async def find_order(ledger: Ledger, programme: str, order: str) -> FoundOrder:
    """The order as the log tells it.

    Raises:
        RefusedError: there is no such programme or order.
    """
    found: CarnetsOrdered | None = None
    issued: list[CarnetsIssued] = []
    events = await events_of(ledger.views, programme_stream(programme))
    for _, event in events:
        match event.fact:
            case CarnetsOrdered() as fact if fact.order == order:
                found = fact
            case CarnetsIssued() as fact if fact.order == order:
                issued.append(fact)
            case _:
                pass
    if found is None:
        reason = Reason.ORDER_UNKNOWN if events else Reason.PROGRAMME_UNKNOWN
        name = order if events else programme
        raise RefusedError(Refusal(reason), advice(reason, name))
    return FoundOrder(found, tuple(issued))


async def create_order(ledger: Ledger, command: OrderCarnets) -> Recorded | None:
    """Carry out an order; None where it is there already, exactly so: that is no mistake.

    Raises:
        RefusedError: the ledger said no, or has another order of this name.
    """
    try:
        return await ledger.do(command)
    except RefusedError as e:
        if e.refusal.reason is not Reason.ORDER_EXISTS:
            raise
        ordered = (await find_order(ledger, command.programme, command.order)).ordered
        alike = ("millesime", "carnets", "size", "holder")
        if all(getattr(ordered, name) == getattr(command, name) for name in alike):
            return None
        told = f"Order {command.order} is another one: `souche order list` shows it."
        raise RefusedError(e.refusal, told) from e
