"""How far each programme is exposed: tickets from order to redemption, and their funding.

Orders, issues and assignments are counted on the order that a carnet belongs to; what moves money
or funding is counted by programme and millésime. `exposure` puts the two together.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.facts import (
    AnyFact,
    CarnetAssigned,
    CarnetsIssued,
    CarnetsOrdered,
    FundingCommitted,
    FundingOrdered,
    FundingReceived,
    RedemptionVoided,
    TicketsActivated,
    TicketsRedeemed,
)
from ledger.log.arrays import Numbers, Texts
from projections.batch import Alike, Batch
from projections.programme_tables import (
    ADD_ASSIGNED,
    ADD_ISSUED,
    ADD_ORDERS,
    ADD_SUMS,
    COLUMNS,
    DDL,
)
from projections.projection import Connection, Projection

Year = tuple[str, int]  # programme, millésime


@dataclass(slots=True)
class Changes:
    """What a batch adds."""

    orders: list[CarnetsOrdered] = field(default_factory=list)
    issued: Counter[tuple[str, str]] = field(default_factory=Counter)  # carnets by order
    assigned: Counter[tuple[str, int]] = field(default_factory=Counter)  # tickets by carnet number
    sums: dict[Year, Counter[str]] = field(default_factory=dict)  # by column


def summarise(batch: Batch) -> Changes:
    """Sum a batch by order and by millésime."""
    changes = Changes()
    for alike in batch.alike:
        match alike.fact:
            case CarnetsOrdered() as ordered:
                changes.orders.append(ordered)
            case CarnetsIssued(programme=programme, order=order, carnets=carnets):
                changes.issued[programme, order] += carnets
            case CarnetAssigned(carnet=carnet, tickets=tickets):
                prefix, _, number = carnet.partition("-")
                changes.assigned[prefix, int(number)] += len(tickets)
            case (
                TicketsActivated()
                | TicketsRedeemed()
                | RedemptionVoided()
                | FundingCommitted()
                | FundingOrdered()
                | FundingReceived()
            ) as fact:
                year = changes.sums.setdefault((fact.programme, fact.millesime), Counter())
                year.update(_added(fact, alike))
            case _:
                pass  # of another read model
    return changes


def _added(fact: AnyFact, alike: Alike) -> dict[str, int]:
    match fact:
        case TicketsActivated():
            return {"activated_tickets": fact.tickets, "activated_cents": fact.amount_cents}
        case TicketsRedeemed():
            return {"redeemed_tickets": alike.tickets, "redeemed_cents": fact.amount_cents}
        case RedemptionVoided():
            return {"voided_tickets": len(fact.tickets), "voided_cents": fact.amount_cents}
        case FundingCommitted():
            return {"committed_cents": sum(fact.cents.values())}
        case FundingOrdered():
            return {"payment_ordered_cents": sum(fact.cents.values())}
        case FundingReceived():
            return {"received_cents": sum(fact.cents.values())}
        case _:
            return {}


def write(connection: Connection, changes: Changes) -> None:
    """Add a batch's changes, orders first: what is issued and assigned refers to them.

    Raises:
        LookupError: carnets were issued or assigned that no order has.
    """
    if orders := changes.orders:
        connection.execute(ADD_ORDERS, list(_columns_of(orders)))
    if issued := changes.issued:
        keys = [Texts(programme for programme, _ in issued), Texts(order for _, order in issued)]
        done = connection.execute(ADD_ISSUED, [*keys, Numbers(issued.values())])
        if done.rowcount != len(issued):
            raise LookupError(f"no such order among {sorted(issued)}")
    if assigned := changes.assigned:
        programmes, numbers = Texts(p for p, _ in assigned), Numbers(n for _, n in assigned)
        parameters = [programmes, numbers, Numbers(assigned.values())]
        rows = connection.execute(ADD_ASSIGNED, parameters).fetchall()
        if sum(tickets for (tickets,) in rows) != assigned.total():
            raise LookupError("no order has one of the assigned carnets")
    if sums := changes.sums:
        programmes, millesimes = Texts(p for p, _ in sums), Numbers(year for _, year in sums)
        columns = [Numbers(year[name] for year in sums.values()) for name in COLUMNS]
        connection.execute(ADD_SUMS, [programmes, millesimes, *columns])


def _columns_of(orders: list[CarnetsOrdered]) -> Iterable[Texts | Numbers]:
    yield Texts(o.programme for o in orders)
    yield Texts(o.order for o in orders)
    yield Numbers(o.millesime for o in orders)
    yield Texts(o.holder for o in orders)
    yield Numbers(o.first_number for o in orders)
    yield Numbers(o.carnets for o in orders)
    yield Numbers(o.size for o in orders)
    yield Numbers(o.face_value_cents for o in orders)


PROGRAMMES = Projection(
    name="programmes",
    version=1,
    tables=("carnet_orders", "programme_sums"),
    ddl=DDL,
    wants=frozenset(
        {
            CarnetAssigned,
            CarnetsIssued,
            CarnetsOrdered,
            FundingCommitted,
            FundingOrdered,
            FundingReceived,
            RedemptionVoided,
            TicketsActivated,
            TicketsRedeemed,
        }
    ),
    summarise=summarise,
    write=write,
)
