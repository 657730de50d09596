"""Readers of the programmes' read model: orders, and exposure by millésime."""

from dataclasses import dataclass

from psycopg.rows import class_row

from projections.projection import AsyncConnection

_ORDERS = """
SELECT programme, order_id, millesime, holder, first_number, carnets, size, face_value_cents,
    issued_carnets, assigned_tickets
FROM carnet_orders
WHERE %(programme)s::text IS NULL OR programme = %(programme)s
ORDER BY programme, first_number
"""

# Funding may come before the first order, and an order before any funding.
_EXPOSURE = """
WITH ordered AS (
    SELECT programme, millesime,
        sum(carnets::bigint * size)::bigint AS ordered_tickets,
        sum(carnets::bigint * size * face_value_cents)::bigint AS ordered_cents,
        sum(issued_carnets::bigint * size)::bigint AS issued_tickets,
        sum(issued_carnets::bigint * size * face_value_cents)::bigint AS issued_cents,
        sum(assigned_tickets)::bigint AS assigned_tickets,
        sum(assigned_tickets * face_value_cents)::bigint AS assigned_cents
    FROM carnet_orders GROUP BY programme, millesime
)
SELECT programme, millesime,
    coalesce(ordered_tickets, 0) AS ordered_tickets,
    coalesce(ordered_cents, 0) AS ordered_cents,
    coalesce(issued_tickets, 0) AS issued_tickets,
    coalesce(issued_cents, 0) AS issued_cents,
    coalesce(activated_tickets, 0) AS activated_tickets,
    coalesce(activated_cents, 0) AS activated_cents,
    coalesce(assigned_tickets, 0) AS assigned_tickets,
    coalesce(assigned_cents, 0) AS assigned_cents,
    coalesce(redeemed_tickets, 0) AS redeemed_tickets,
    coalesce(redeemed_cents, 0) AS redeemed_cents,
    coalesce(voided_tickets, 0) AS voided_tickets,
    coalesce(voided_cents, 0) AS voided_cents,
    coalesce(committed_cents, 0) AS committed_cents,
    coalesce(payment_ordered_cents, 0) AS payment_ordered_cents,
    coalesce(received_cents, 0) AS received_cents
FROM ordered FULL JOIN programme_sums USING (programme, millesime)
WHERE %(programme)s::text IS NULL OR programme = %(programme)s
ORDER BY programme, millesime
"""


@dataclass(frozen=True, slots=True)
class CarnetOrder:
    """An order and how far it is: issued, and handed out."""

    programme: str
    order_id: str
    millesime: int
    holder: str
    first_number: int
    carnets: int
    size: int  # tickets a carnet
    face_value_cents: int
    issued_carnets: int
    assigned_tickets: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """A programme's millésime: its tickets at each stage, and its funding at each stage.

    Every stage counts all that ever reached it; redemptions that were voided are in both counts.
    """

    programme: str
    millesime: int
    ordered_tickets: int
    ordered_cents: int
    issued_tickets: int
    issued_cents: int
    activated_tickets: int
    activated_cents: int
    assigned_tickets: int
    assigned_cents: int
    redeemed_tickets: int
    redeemed_cents: int
    voided_tickets: int
    voided_cents: int
    committed_cents: int  # engagement
    payment_ordered_cents: int  # mandat
    received_cents: int  # cash

    @property
    def circulating_cents(self) -> int:
        """Face value of tickets that were activated and not redeemed, expired or not."""
        return self.activated_cents - self.redeemed_cents + self.voided_cents


async def exposure(connection: AsyncConnection, programme: str | None = None) -> list[Exposure]:
    """By programme and millésime, of all programmes or of one."""
    cursor = connection.cursor(row_factory=class_row(Exposure))
    await cursor.execute(_EXPOSURE, {"programme": programme})
    return await cursor.fetchall()


async def list_orders(
    connection: AsyncConnection, programme: str | None = None
) -> list[CarnetOrder]:
    """Orders by programme and number, of all programmes or of one."""
    cursor = connection.cursor(row_factory=class_row(CarnetOrder))
    await cursor.execute(_ORDERS, {"programme": programme})
    return await cursor.fetchall()
