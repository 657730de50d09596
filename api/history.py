"""The log itself: a carnet's history, an event by its position. Its bytes, never encoded again."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from api.bodies import StrictRoute
from api.fields import LARGEST_POSITION, Carnet
from api.problems import ProblemError, problem
from api.reading import Views
from api.streams import stored, stored_at
from api.tokens import Reader
from api.wire import encode
from ledger.values.ids import carnet_stream
from ledger.values.reasons import Reason

router = APIRouter(prefix="/v1", tags=["audit"], route_class=StrictRoute)


class LoggedEvent(BaseModel):
    """An event and where it stands."""

    position: int
    event: dict[str, Any] = Field(description="As it stands in the log, byte for byte.")


class CarnetHistory(BaseModel):
    """A carnet's events, in order."""

    carnet: str
    events: list[LoggedEvent]


@router.get("/carnets/{carnet}", response_model=CarnetHistory)
async def show_carnet(carnet: Carnet, _: Reader, views: Views) -> Response:
    """What happened to a carnet, in order."""
    rows = await stored(views, carnet_stream(carnet))
    if not rows:
        raise ProblemError(problem(Reason.CARNET_UNKNOWN))
    events = [_told(position, state) for position, state in rows]
    return _answer({"carnet": carnet, "events": events})


@router.get("/events/{position}", response_model=LoggedEvent)
async def show_event(
    position: Annotated[int, Path(ge=1, le=LARGEST_POSITION)], _: Reader, views: Views
) -> Response:
    """The event at a position of the log."""
    state = await stored_at(views, position)
    if state is None:
        raise ProblemError(problem("not-found"))
    return _answer(_told(position, state))


def _told(position: int, state: bytes) -> dict[str, Any]:
    return {"position": position, "event": msgspec.Raw(state)}


def _answer(told: dict[str, Any]) -> Response:
    return Response(encode(told), media_type="application/json")
