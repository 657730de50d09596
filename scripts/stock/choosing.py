"""Which carnets of an order a command names, and how they stand."""

from collections.abc import AsyncIterator, Iterator, Sequence

from api.streams import fold
from ledger.decisions.carnets import Carnet
from ledger.decisions.funding import LARGEST_CHUNK
from ledger.facts import CarnetsOrdered, Event
from ledger.facts.codec import decode
from ledger.log.rows import READ
from ledger.values.ids import CarnetId, HolderId, carnet_id, carnet_stream
from scripts.common.ending import CommandError
from scripts.common.ledger import Ledger
from scripts.stock.ageing import warn_if_over
from scripts.stock.ordering import find_order


async def find_carnets(
    ledger: Ledger, programme: str, order: str, span: tuple[int | None, int | None]
) -> tuple[CarnetsOrdered, list[CarnetId]]:
    """An order, and those of its carnets that a first number and a count name.

    Tells where they can't be handed out any more.

    Raises:
        CommandError: none of them is issued, or the order has no such first number.
        RefusedError: there is no such order.
    """
    found = await find_order(ledger, programme, order)
    warn_if_over(ledger, found.ordered)
    if not found.issued:
        raise CommandError(
            f"Order {order} has no carnets yet: `souche order issue {programme} {order} --to FILE`"
        )
    _refuse_other_number(found.ordered, span[0])
    return found.ordered, carnets_of(found.ordered, *span)


def _refuse_other_number(ordered: CarnetsOrdered, first: int | None) -> None:
    last = ordered.first_number + ordered.carnets - 1
    if first is not None and not ordered.first_number <= first <= last:
        raise CommandError(
            f"Order {ordered.order} has no carnet {first}: it {numbers_of(ordered)}."
        )


def numbers_of(ordered: CarnetsOrdered) -> str:
    """What it has, in words."""
    last = ordered.first_number + ordered.carnets - 1
    return f"has the numbers {ordered.first_number}–{last}"


def carnets_of(ordered: CarnetsOrdered, first: int | None, count: int | None) -> list[CarnetId]:
    """The carnets of an order, or `count` of them from number `first` on."""
    start = ordered.first_number if first is None else first
    end = ordered.first_number + ordered.carnets
    stop = end if count is None else min(start + count, end)
    return [carnet_id(ordered.programme, number) for number in range(start, stop)]


def number_of(carnet: CarnetId) -> int:
    """Its number in its programme."""
    return int(carnet.rpartition("-")[2])


def parcels(carnets: Sequence[CarnetId]) -> Iterator[tuple[CarnetId, ...]]:
    """As many at a time as a command takes."""
    for start in range(0, len(carnets), LARGEST_CHUNK):
        yield tuple(carnets[start : start + LARGEST_CHUNK])


async def as_they_are(
    ledger: Ledger, carnets: Sequence[CarnetId]
) -> AsyncIterator[tuple[CarnetId, Carnet | None]]:
    """Carnets as the log tells them now; None for one that isn't issued."""
    for parcel in parcels(carnets):
        streams = list(map(carnet_stream, parcel))
        cursor = await ledger.views.execute(READ, {"streams": streams}, binary=True)
        events: dict[str, list[tuple[int, Event]]] = {}
        for position, state in await cursor.fetchall():
            event = decode(state)
            events.setdefault(event.stream, []).append((position, event))
        for each in parcel:
            yield each, fold(events.get(carnet_stream(each), []), Carnet)


async def next_in_stock(ledger: Ledger, ordered: CarnetsOrdered, holder: HolderId) -> int | None:
    """The number of the first carnet of an order that a holder can hand out; None without one."""
    async for name, carnet in as_they_are(ledger, carnets_of(ordered, None, None)):
        if carnet and carnet.activated and not carnet.assigned and carnet.holder == holder:
            return number_of(name)
    return None
