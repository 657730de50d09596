"""How far each programme is exposed: tickets from order to redemption, and their funding.

Orders, issues and assignments are counted on the order that a carnet belongs to; what moves money
or funding is counted by programme and millésime. `exposure` puts the two together.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
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
from projections.batch import Alike, Batch
from projections.projection import Connection, Projection

DDL = """
CREATE TABLE carnet_orders (
    programme text NOT NULL,
    order_id text NOT NULL,
    millesime integer NOT NULL,
    holder text NOT NULL,
    first_number integer NOT NULL,
    carnets integer NOT NULL,
    -- Tickets a carnet.
    size integer NOT NULL,
    face_value_cents bigint NOT NULL,
    issued_carnets integer NOT NULL DEFAULT 0,
    assigned_tickets bigint NOT NULL DEFAULT 0,

    PRIMARY KEY (programme, order_id),
    -- A carnet's number tells its order.
    CONSTRAINT carnet_orders_number UNIQUE (programme, first_number),
    CONSTRAINT carnet_orders_issued CHECK (issued_carnets BETWEEN 0 AND carnets),
    CONSTRAINT carnet_orders_assigned
        CHECK (assigned_tickets BETWEEN 0 AND issued_carnets::bigint * size)
);

CREATE TABLE programme_sums (
    programme text NOT NULL,
    millesime integer NOT NULL,
    activated_tickets bigint NOT NULL,
    activated_cents bigint NOT NULL,
    redeemed_tickets bigint NOT NULL,
    redeemed_cents bigint NOT NULL,
    voided_tickets bigint NOT NULL,
    voided_cents bigint NOT NULL,
    -- Funding, by stage: commitment (engagement), payment order (mandat), cash.
    committed_cents bigint NOT NULL,
    payment_ordered_cents bigint NOT NULL,
    received_cents bigint NOT NULL,

    PRIMARY KEY (programme, millesime)
) WITH (fillfactor = 50);
"""

ADD_ORDERS = """
INSERT INTO carnet_orders (
    programme, order_id, millesime, holder, first_number, carnets, size, face_value_cents
)
SELECT * FROM unnest(
    %b::text[], %b::text[], %b::int[], %b::text[], %b::int[], %b::int[], %b::int[], %b::bigint[]
)
"""

ADD_ISSUED = """
UPDATE carnet_orders SET issued_carnets = issued_carnets + added.carnets
FROM unnest(%b::text[], %b::text[], %b::int[]) AS added (programme, order_id, carnets)
WHERE carnet_orders.programme = added.programme AND carnet_orders.order_id = added.order_id
"""

# A carnet belongs to the last order of its programme that begins at or before its number.
ADD_ASSIGNED = """
UPDATE carnet_orders SET assigned_tickets = assigned_tickets + added.tickets
FROM (
    SELECT programme, found.first_number, sum(tickets) AS tickets
    FROM unnest(%b::text[], %b::int[], %b::int[]) AS handed_out (programme, number, tickets)
    CROSS JOIN LATERAL (
        SELECT first_number, carnets FROM carnet_orders AS o
        WHERE o.programme = handed_out.programme AND o.first_number <= handed_out.number
        ORDER BY first_number DESC LIMIT 1
    ) AS found
    WHERE number < found.first_number + found.carnets
    GROUP BY 1, 2
) AS added
WHERE carnet_orders.programme = added.programme
    AND carnet_orders.first_number = added.first_number
RETURNING added.tickets::bigint
"""

COLUMNS = (
    "activated_tickets",
    "activated_cents",
    "redeemed_tickets",
    "redeemed_cents",
    "voided_tickets",
    "voided_cents",
    "committed_cents",
    "payment_ordered_cents",
    "received_cents",
)

ADD_SUMS = f"""
INSERT INTO programme_sums AS kept (programme, millesime, {", ".join(COLUMNS)})
SELECT * FROM unnest(%b::text[], %b::int[], {", ".join("%b::bigint[]" for _ in COLUMNS)})
ON CONFLICT (programme, millesime) DO UPDATE SET
    {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in COLUMNS)}
"""  # noqa: S608 - our own column names

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
        keys = [[programme for programme, _ in issued], [order for _, order in issued]]
        done = connection.execute(ADD_ISSUED, [*keys, list(issued.values())])
        if done.rowcount != len(issued):
            raise LookupError(f"no such order among {sorted(issued)}")
    if assigned := changes.assigned:
        carnets = [[programme for programme, _ in assigned], [number for _, number in assigned]]
        rows = connection.execute(ADD_ASSIGNED, [*carnets, list(assigned.values())]).fetchall()
        if sum(tickets for (tickets,) in rows) != assigned.total():
            raise LookupError("no order has one of the assigned carnets")
    if sums := changes.sums:
        years = [[programme for programme, _ in sums], [millesime for _, millesime in sums]]
        cents = [[year[name] for year in sums.values()] for name in COLUMNS]
        connection.execute(ADD_SUMS, [*years, *cents])


def _columns_of(orders: list[CarnetsOrdered]) -> Iterable[Sequence[int] | Sequence[str]]:
    yield [o.programme for o in orders]
    yield [o.order for o in orders]
    yield [o.millesime for o in orders]
    yield [o.holder for o in orders]
    yield [o.first_number for o in orders]
    yield [o.carnets for o in orders]
    yield [o.size for o in orders]
    yield [o.face_value_cents for o in orders]


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
