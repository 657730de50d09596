"""Asks a route with a body that it should not take, in the name of whoever may use it."""

from typing import Any, Final

import httpx
import jsonschema_rs

from api.app import create_app
from api.problems import PROBLEMS
from ledger.postgres import Database
from ledger.settings import Settings
from tests.api.device import Device
from tests.api.ledgers import Served

Json = dict[str, Any]

MARK: Final = "XQ7SECRET"  # stands in what is sent, never in what is answered

DOCUMENT: Final[Json] = create_app(Settings(), Database("", "", "")).cold.openapi()
OPERATIONS: Final[dict[str, Json]] = {  # by `POST /v1/venues`
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
BODIES: Final = [  # the addresses of all routes that take a body
    each.removeprefix("POST ") for each, told in OPERATIONS.items() if "requestBody" in told
]
SIGNED: Final = [
    path
    for path in BODIES
    if OPERATIONS[f"POST {path}"].get("security") == [{"TerminalSignature": []}]
]


def example_of(route: str) -> str:
    """A route's address with the examples of its parameters."""
    told = OPERATIONS[route].get("parameters", ())
    path = route.partition(" ")[2]
    return path.format(**{each["name"]: each["example"] for each in told})


def problem(answer: httpx.Response) -> Json:
    """What was told, if it was told as every problem is."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: Json = answer.json()
    assert told["type"] == PROBLEMS[told["reason"]].type
    assert told["status"] == answer.status_code
    assert MARK not in answer.text
    assert MARK.lower() not in answer.text.lower()
    return told


class Asking:
    """Sends bodies to a route in the name of whoever may use it."""

    def __init__(self, shared: Served, device: Device, route: str) -> None:
        media = OPERATIONS[f"POST {route}"]["requestBody"]["content"]["application/json"]
        self.path = example_of(f"POST {route}")
        self.example: Json = media["example"]
        schema = {**media["schema"], "components": DOCUMENT["components"]}
        self._validator = jsonschema_rs.validator_for(schema)
        self._service, self._device = shared, device
        self._signed = route in SIGNED
        desk = shared.approver if route.endswith("/approve") else shared.operator
        self._http = desk.http

    def send(self, body: bytes) -> httpx.Response:
        before = self._service.log_size()
        if self._signed:
            answer = self._device.send(self._device.sign(self.path, body))
        else:
            headers = {"content-type": "application/json"}
            answer = self._http.post(self.path, content=body, headers=headers)
        assert self._service.log_size() == before
        return answer

    def is_well_formed(self, body: object) -> bool:
        try:
            return bool(self._validator.is_valid(body))
        except ValueError:  # a number or text that no JSON has
            return False
