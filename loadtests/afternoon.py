"""An afternoon's good effort, to compare with: one table, one statement per request.

What an experienced engineer writes first, and writes well: async FastAPI,
pydantic models, a connection pool, and a unique constraint that gives every
ticket one winner, durably. It has no terminals' signatures, no books, no
history of a carnet, and no answer for an auditor.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import psycopg
from fastapi import FastAPI, HTTPException
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field

SCHEMA = """
DROP SCHEMA IF EXISTS afternoon CASCADE;
CREATE SCHEMA afternoon;

CREATE TABLE afternoon.tickets (
    carnet text NOT NULL,
    ticket integer NOT NULL,
    face_value_cents bigint NOT NULL,
    valid_until timestamptz NOT NULL,
    PRIMARY KEY (carnet, ticket)
);

CREATE TABLE afternoon.redemptions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carnet text NOT NULL,
    ticket integer NOT NULL,
    venue text NOT NULL,
    claim_id uuid NOT NULL,
    amount_cents bigint NOT NULL,
    redeemed_at timestamptz NOT NULL DEFAULT now(),
    -- A ticket is redeemed once.
    UNIQUE (carnet, ticket)
);
"""
SEED = """
INSERT INTO afternoon.tickets
SELECT format('BFC22-%%s', lpad(number::text, 7, '0')), ticket, 1000, now() + interval '1 year'
FROM generate_series(1, %s) AS number, generate_series(1, %s) AS ticket
"""
REDEEM = """
INSERT INTO afternoon.redemptions (carnet, ticket, venue, claim_id, amount_cents)
SELECT carnet, ticket, %(venue)s, %(claim_id)s, face_value_cents
FROM afternoon.tickets
WHERE carnet = %(carnet)s AND ticket = %(ticket)s AND valid_until > now()
ON CONFLICT DO NOTHING
RETURNING id, amount_cents, redeemed_at
"""
REDEEMED = "SELECT FROM afternoon.redemptions WHERE carnet = %(carnet)s AND ticket = %(ticket)s"
POOL_SIZE = 16

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]


class Claim(BaseModel):
    """What a terminal asks for."""

    claim_id: UUID
    carnet: str = Field(pattern=r"^[0-9A-Z]{2,8}-\d{7}$")
    ticket: Annotated[int, Field(ge=1, le=99)]
    venue: str = Field(min_length=1, max_length=40)


class Receipt(BaseModel):
    """What it gets."""

    id: int
    claim_id: UUID
    amount_cents: int
    redeemed_at: datetime


def seed(conninfo: str, carnets: int, tickets: int) -> None:
    """Start over with `carnets` of so many tickets each, none of them redeemed."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(SCHEMA)
        connection.execute(SEED, (carnets, tickets))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE afternoon.tickets")


def create_app() -> FastAPI:
    """Build the service on the database in `LOADTEST_DATABASE`."""
    pool: Pool = AsyncConnectionPool(
        os.environ["LOADTEST_DATABASE"],
        min_size=POOL_SIZE,
        max_size=POOL_SIZE,
        kwargs={"autocommit": True},  # a single statement needs no further round trips
        open=False,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(title="An afternoon's good effort", lifespan=lifespan)

    @app.post("/redemptions", status_code=HTTPStatus.CREATED)
    async def redeem(claim: Claim) -> Receipt:
        parameters = claim.model_dump()
        async with pool.connection() as connection:
            row = await (await connection.execute(REDEEM, parameters)).fetchone()
            if row is None:
                raise await refusal(connection, parameters)
        return Receipt(id=row[0], claim_id=claim.claim_id, amount_cents=row[1], redeemed_at=row[2])

    return app


async def refusal(
    connection: AsyncConnection[TupleRow], parameters: dict[str, object]
) -> HTTPException:
    """Say why no row was inserted."""
    if await (await connection.execute(REDEEMED, parameters)).fetchone() is None:
        return HTTPException(HTTPStatus.NOT_FOUND, "unknown or expired ticket")
    return HTTPException(HTTPStatus.CONFLICT, "already redeemed")
