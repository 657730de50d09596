"""The textbook event-sourced stack, to compare with: an aggregate loaded and saved per request.

FastAPI, an `Aggregate` and an `Application` on the `eventsourcing` library's own
PostgreSQL module with its default settings, as its documentation shows them. It
keeps the whole history and is right about every ticket.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

CHUNK = 500


class AlreadyRedeemedError(Exception):
    """The ticket was torn out before."""


class UnknownTicketError(Exception):
    """The carnet has fewer tickets."""


class Carnet(Aggregate):
    """A carnet of tickets, numbered from 1."""

    @event("Issued")
    def __init__(self, serial: str, tickets: int, face_value_cents: int) -> None:
        """Issue it."""
        self.serial = serial
        self.tickets = tickets
        self.face_value_cents = face_value_cents
        self.redeemed: dict[int, tuple[str, str]] = {}  # venue and claim, by ticket

    @staticmethod
    def create_id(serial: str) -> UUID:
        """Derive the stream from the serial."""
        return uuid5(NAMESPACE_URL, f"/carnets/{serial}")

    @event("TicketRedeemed")
    def redeem(self, ticket: int, venue: str, claim_id: str) -> None:
        """Tear out one ticket."""
        if ticket > self.tickets:
            raise UnknownTicketError
        if ticket in self.redeemed:
            raise AlreadyRedeemedError
        self.redeemed[ticket] = (venue, claim_id)


class Clearing(Application[UUID]):
    """Issues carnets and redeems their tickets."""

    def issue(self, serials: list[str], tickets: int) -> None:
        """Issue several carnets at once."""
        self.save(*(Carnet(serial, tickets, 1000) for serial in serials))

    def redeem(self, serial: str, ticket: int, venue: str, claim_id: str) -> tuple[int, int]:
        """Redeem a ticket; return the position of the fact, and its value in cents."""
        carnet: Carnet = self.repository.get(Carnet.create_id(serial))
        carnet.redeem(ticket, venue, claim_id)
        recordings = self.save(carnet)
        return recordings[-1].notification.id, carnet.face_value_cents


class Claim(BaseModel):
    """What a terminal asks for."""

    claim_id: UUID
    carnet: str = Field(pattern=r"^[0-9A-Z]{2,8}-\d{7}$")
    ticket: Annotated[int, Field(ge=1, le=99)]
    venue: str = Field(min_length=1, max_length=40)


class Receipt(BaseModel):
    """What it gets."""

    position: int
    claim_id: UUID
    amount_cents: int


def seed(conninfo: str, carnets: int, tickets: int) -> None:
    """Start over with `carnets` of so many tickets each, none of them redeemed."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS textbook CASCADE")
        connection.execute("CREATE SCHEMA textbook")
    clearing = Clearing(settings(conninfo))
    for start in range(1, carnets + 1, CHUNK):
        numbers = range(start, min(start + CHUNK, carnets + 1))
        clearing.issue([f"BFC22-{number:07d}" for number in numbers], tickets)
    clearing.close()


def settings(conninfo: str) -> dict[str, str]:
    """Say where the database is, in the library's words; all else is its default."""
    with psycopg.connect(conninfo) as connection:
        info = connection.info  # knows the password too, where a file has it
        return {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": info.dbname,
            "POSTGRES_HOST": info.host,
            "POSTGRES_PORT": str(info.port),
            "POSTGRES_USER": info.user,
            "POSTGRES_PASSWORD": info.password,
            "POSTGRES_SCHEMA": "textbook",
        }


def create_app() -> FastAPI:
    """Build the service on the database in `LOADTEST_DATABASE`."""
    clearing = Clearing(settings(os.environ["LOADTEST_DATABASE"]))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        clearing.close()

    app = FastAPI(title="The textbook event-sourced stack", lifespan=lifespan)

    @app.post("/redemptions", status_code=HTTPStatus.CREATED)
    def redeem(claim: Claim) -> Receipt:  # not async: the library waits for the database
        try:
            position, amount_cents = clearing.redeem(
                claim.carnet, claim.ticket, claim.venue, str(claim.claim_id)
            )
        except (AggregateNotFoundError, UnknownTicketError) as e:
            raise HTTPException(HTTPStatus.NOT_FOUND, "unknown ticket") from e
        except AlreadyRedeemedError as e:
            raise HTTPException(HTTPStatus.CONFLICT, "already redeemed") from e
        except IntegrityError as e:
            raise HTTPException(HTTPStatus.CONFLICT, "the carnet changed meanwhile; retry") from e
        return Receipt(position=position, claim_id=claim.claim_id, amount_cents=amount_cents)

    return app
