"""Request bodies: strict JSON into models that refuse unknown fields."""

import json
from collections.abc import Callable, Coroutine, Sequence
from functools import cache
from typing import Any, Final, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from api.fields import Uuid
from api.problems import ProblemError, problem

_PARAMETERS: Final = frozenset(
    {"body", "path", "query", "programme", "order", "carnet", "venue", "terminal", "run"}
    | {"position", "at_least", "prefix"}
)


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CommandBody(Body):
    """A body that asks for something to happen. Retry with the same id until there is an answer."""

    command_id: Uuid


def place_of(parts: Sequence[int | str]) -> str:
    """Where in a request something is wrong, without names that we did not give ourselves.

    An unknown field, or the key of a mapping, is the caller's: it may be a code.
    """
    known = field_names()
    return ".".join(str(part) for part in parts if isinstance(part, int) or part in known)


@cache
def field_names() -> frozenset[str]:
    """The names of all parameters and of the fields of all bodies."""
    found, kinds = set(_PARAMETERS), [Body]
    while kinds:
        kind = kinds.pop()
        found |= kind.model_fields.keys()
        kinds += kind.__subclasses__()
    return frozenset(found)


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
    """A route that reads its body by `read_json`, and takes no query that it doesn't declare."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        taken = {parameter.alias for parameter in self.dependant.query_params}

        async def strictly(request: Request) -> Response:
            asked = [name for name, _ in request.query_params.multi_items()]
            if len(set(asked)) != len(asked) or not taken.issuperset(asked):
                raise ProblemError(problem("invalid", "query: a name that is unknown or repeated"))
            return await handle(_StrictRequest(request.scope, request.receive))

        return strictly
