"""Order carnets: the same order again is no mistake, another of its name is."""

from ledger.batch import Recorded
from ledger.decisions.programmes import OrderCarnets
from ledger.values.reasons import Reason
from scripts.common.ledger import Ledger
from scripts.common.refusals import RefusedError
from scripts.stock.issuing import find_order


async def create_order(ledger: Ledger, command: OrderCarnets) -> Recorded | None:
    """Carry out an order; None where it is there already, exactly so.

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
