"""Activate an order's carnets, move them, hand them out: in chunks, each of which is atomic."""

from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

from api.streams import fold
from ledger.batch import Recorded
from ledger.decisions.carnets import Carnet
from ledger.decisions.funding import LARGEST_CHUNK, ActivateCarnets
from ledger.decisions.stock import AssignTickets, TransferCarnets
from ledger.facts import CarnetsOrdered, Event
from ledger.facts.codec import decode
from ledger.log.rows import READ
from ledger.values.ids import (
    BeneficiaryId,
    CarnetId,
    HolderId,
    carnet_id,
    carnet_stream,
    derived_id,
)
from ledger.values.reasons import Reason
from scripts.common.ending import CommandError, Exit
from scripts.common.ledger import AT_ONCE, Ledger
from scripts.common.refusals import RefusedError
from scripts.stock.ageing import warn_if_over
from scripts.stock.ordering import find_order

Advance = Callable[[int], None]


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
            f"Order {ordered.order} has no carnet {first}: "
            f"it has the numbers {ordered.first_number}–{last}."
        )


def carnets_of(ordered: CarnetsOrdered, first: int | None, count: int | None) -> list[CarnetId]:
    """The carnets of an order, or `count` of them from number `first` on."""
    start = ordered.first_number if first is None else first
    end = ordered.first_number + ordered.carnets
    stop = end if count is None else min(start + count, end)
    return [carnet_id(ordered.programme, number) for number in range(start, stop)]


async def activate(
    ledger: Ledger, ordered: CarnetsOrdered, carnets: Sequence[CarnetId], advance: Advance
) -> int:
    """Put carnets into circulation. Returns how many were, just now.

    Those that a run before this one activated are passed over.

    Raises:
        RefusedError: their face value isn't funded, or some aren't issued.
    """
    activated = 0
    for chunk in _chunks(carnets):
        command = ActivateCarnets(
            command_id=derived_id("activate", ordered.order, chunk[0], len(chunk)),
            actor=ledger.actor.id,
            programme=ordered.programme,
            millesime=ordered.millesime,
            carnets=chunk,
        )
        done = await ledger.do(command)
        activated += 0 if done.replayed else len(chunk)
        advance(len(chunk))
    return activated


def refuse_same(sender: HolderId, receiver: HolderId) -> None:
    """Carnets move to somebody else.

    Raises:
        CommandError: they would stay where they are.
    """
    if sender == receiver:
        raise CommandError(
            f"The carnets are with {receiver} already: name another holder with --to.",
            code=Exit.USAGE,
        )


async def transfer(
    ledger: Ledger,
    carnets: Sequence[CarnetId],
    holders: tuple[HolderId, HolderId],
    command_id: str,
    advance: Advance,
) -> None:
    """Move carnets from one holder to another. The same `command_id` goes on where it stopped.

    Raises:
        RefusedError: a holder is unknown, or has not all of these, or some are handed out.
    """
    sender, receiver = holders
    for chunk in _chunks(carnets):
        command = TransferCarnets(
            command_id=derived_id("transfer", command_id, chunk[0], len(chunk)),
            actor=ledger.actor.id,
            carnets=chunk,
            sender=sender,
            receiver=receiver,
        )
        await ledger.do(command)
        advance(len(chunk))


async def assign(
    ledger: Ledger, carnets: Sequence[CarnetId], holder: HolderId, advance: Advance
) -> int:
    """Hand each carnet to somebody, known by a random id alone. Returns how many were, just now.

    Carnets that were handed out before are passed over.

    Raises:
        RefusedError: for any other reason; the carnets before it are handed out.
    """
    assigned = 0
    for start in range(0, len(carnets), AT_ONCE):
        part = carnets[start : start + AT_ONCE]
        answers = await ledger.answers([_assignment(ledger, each, holder) for each in part])
        for answer in answers:
            if isinstance(answer, Recorded):
                assigned += 1
            elif answer.reason is not Reason.TICKET_ALREADY_ASSIGNED:
                raise RefusedError(answer)
        advance(len(part))
    return assigned


async def next_in_stock(ledger: Ledger, ordered: CarnetsOrdered, holder: HolderId) -> int | None:
    """The number of the first carnet of an order that a holder can hand out; None without one."""
    for chunk in _chunks(carnets_of(ordered, None, None)):
        streams = list(map(carnet_stream, chunk))
        cursor = await ledger.views.execute(READ, {"streams": streams}, binary=True)
        events: dict[str, list[tuple[int, Event]]] = {}
        for position, state in await cursor.fetchall():
            event = decode(state)
            events.setdefault(event.stream, []).append((position, event))
        for each in chunk:
            carnet = fold(events.get(carnet_stream(each), []), Carnet)
            if carnet and carnet.activated and not carnet.assigned and carnet.holder == holder:
                return number_of(each)
    return None


def number_of(carnet: CarnetId) -> int:
    """Its number in its programme."""
    return int(carnet.rpartition("-")[2])


def _assignment(ledger: Ledger, carnet: CarnetId, holder: HolderId) -> AssignTickets:
    return AssignTickets(
        command_id=str(uuid4()),
        actor=ledger.actor.id,
        carnet=carnet,
        holder=holder,
        beneficiary=BeneficiaryId(str(uuid4())),
    )


def _chunks(carnets: Sequence[CarnetId]) -> Iterator[tuple[CarnetId, ...]]:
    for start in range(0, len(carnets), LARGEST_CHUNK):
        yield tuple(carnets[start : start + LARGEST_CHUNK])
