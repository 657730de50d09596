"""How the service does, and the problems that it may answer with."""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from api.bodies import StrictRoute
from api.problems import catalogue
from api.reading import Views
from api.state import ServiceDep
from api.tokens import Reader
from projections.lag import Lag, lag

router = APIRouter(tags=["service"], route_class=StrictRoute)

_HEAD: Final = "SELECT size FROM log_head WHERE id = 1"


class Status(BaseModel):
    """The log and its read models."""

    demo: bool = Field(description="Example data: nothing here is owed to anybody.")
    events: int = Field(description="In the log; the position of the last one.")
    waiting: int = Field(description="Commands that wait for this process's writer.")
    read_models: list[Lag]


class KnownProblem(BaseModel):
    """A problem as every route may answer it."""

    type: str
    title: str
    title_fr: str
    status: int
    reason: str
    retry: bool = Field(description="The same request with the same id may succeed later.")


@router.get("/healthz", summary="Health", response_class=PlainTextResponse)
async def healthz() -> str:
    """Whether the process answers. It says nothing of the database: see `/v1/status`."""
    return "ok\n"


@router.get("/v1/status")
async def status(_: Reader, service: ServiceDep, views: Views) -> Status:
    """The log's size, and how far behind it the read models are."""
    models = await lag(views, service.database)
    cursor = await views.execute(_HEAD)
    row = await cursor.fetchone()
    origin = service.writer.reference.origin
    return Status(
        demo=origin is not None and origin.demo,
        events=row[0] if row else 0,
        waiting=service.writer.waiting,
        read_models=models,
    )


@router.get("/v1/problems")
async def problems() -> list[KnownProblem]:
    """Every problem that there is. `type` and `reason` never change their meaning."""
    return [KnownProblem(**each) for each in catalogue()]
