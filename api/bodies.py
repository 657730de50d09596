"""Request bodies: strict JSON into models that refuse unknown fields."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from api.fields import Uuid


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CommandBody(Body):
    """A body that asks for something to happen. Retry with the same id until there is an answer."""

    command_id: Uuid


def read_json(body: bytes) -> object:
    """Read JSON that means one thing only: no name twice in an object, no NaN or infinity.

    Raises:
        json.JSONDecodeError: it is something else.
    """
    try:
        return json.loads(body, object_pairs_hook=_each_once, parse_constant=_no_number)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as e:  # not UTF-8, thousands of digits, too deep
        raise json.JSONDecodeError("unreadable", "", 0) from e


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return read


def _no_number(_: str) -> NoReturn:
    raise ValueError("not a number")


class _StrictRequest(Request):
    async def json(self) -> object:
        return read_json(await self.body())


class StrictRoute(APIRoute):
    """A route that reads its body by `read_json`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strictly
