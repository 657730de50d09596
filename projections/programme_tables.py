"""The tables of the programmes' read model, and one statement for each part of a batch."""

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
    %b::text[], %b::text[], %b::bigint[], %b::text[],
    %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]
)
"""

ADD_ISSUED = """
UPDATE carnet_orders SET issued_carnets = issued_carnets + added.carnets
FROM unnest(%b::text[], %b::text[], %b::bigint[]) AS added (programme, order_id, carnets)
WHERE carnet_orders.programme = added.programme AND carnet_orders.order_id = added.order_id
"""

# A carnet belongs to the last order of its programme that begins at or before its number.
ADD_ASSIGNED = """
UPDATE carnet_orders SET assigned_tickets = assigned_tickets + added.tickets
FROM (
    SELECT programme, found.first_number, sum(tickets) AS tickets
    FROM unnest(%b::text[], %b::bigint[], %b::bigint[]) AS handed_out (programme, number, tickets)
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
SELECT * FROM unnest(%b::text[], %b::bigint[], {", ".join("%b::bigint[]" for _ in COLUMNS)})
ON CONFLICT (programme, millesime) DO UPDATE SET
    {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in COLUMNS)}
"""  # noqa: S608 - our own column names
