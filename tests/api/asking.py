"""Asks a route with a body that it should not take, in the name of whoever may use it."""

from typing import Any, Final

import httpx
import jsonschema_rs

from api.problems import PROBLEMS
from tests.api.device import Device
from tests.api.ledgers import Served

Json = dict[str, Any]

MARK: Final = "XQ7SECRET"  # stands in what is sent, never in what is answered

OPERATORS: Final = [
    "/v1/programmes",
    "/v1/programmes/{programme}/rules",
    "/v1/programmes/{programme}/close",
    "/v1/programmes/{programme}/funding",
    "/v1/programmes/{programme}/orders",
    "/v1/programmes/{programme}/orders/{order}/chunks",
    "/v1/programmes/{programme}/activations",
    "/v1/holders",
    "/v1/transfers",
    "/v1/carnets/{carnet}/assignments",
    "/v1/venues",
    "/v1/venues/{venue}/qualifications",
    "/v1/venues/{venue}/withdrawals",
    "/v1/venues/{venue}/suspensions",
    "/v1/venues/{venue}/resumptions",
    "/v1/terminals",
    "/v1/terminals/{terminal}/revocations",
    "/v1/payment-runs",
    "/v1/payment-runs/{run}/draft",
    "/v1/payment-runs/{run}/submit",
    "/v1/payment-runs/{run}/approve",
    "/v1/payment-runs/{run}/withdraw",
]
DEVICES: Final = ["/v1/challenges", "/v1/sessions", "/v1/terminals/enrol", "/v1/terminals/roll"]
SIGNED: Final = [
    "/v1/redemptions",
    "/v1/redemptions/batch",
    "/v1/redemptions/{claim_id}/void",
    "/v1/checks",
]


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

    def __init__(self, shared: Served, device: Device, document: Json, route: str) -> None:
        operation = document["paths"][route]["post"]
        examples = {each["name"]: each["example"] for each in operation.get("parameters", ())}
        media = operation["requestBody"]["content"]["application/json"]
        self.path = route.format(**examples)
        self.example: Json = media["example"]
        schema = {**media["schema"], "components": document["components"]}
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
