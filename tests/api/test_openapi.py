"""The document tells the truth: valid, complete, with examples that the service takes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis

from api import client as client_module
from api.problems import PROBLEMS
from api.rules import RulesBody
from ledger.presets.loader import load, names
from ledger.values.codes import parse_code
from ledger.values.reasons import Reason
from tests.api.asking import DOCUMENT, OPERATIONS, SIGNED, example_of
from tests.api.device import Device
from tests.api.ledgers import Served

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return DOCUMENT


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield method, path, operation


def media_of(part: dict[str, Any]) -> dict[str, Any]:
    """The one media type of a body."""
    (media,) = part["content"].values()
    assert isinstance(media, dict)
    return media


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()


def test_it_is_served(client: httpx.Client, document: dict[str, Any]) -> None:
    assert client.get("/openapi.json").json() == json.loads(json.dumps(document))


def test_every_operation_can_be_read_by_a_person(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["tags"], (method, path)
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)


def test_every_body_and_parameter_has_an_example_that_fits(document: dict[str, Any]) -> None:
    components = {"components": document["components"]}
    for method, path, operation in operations(document):
        told = [media_of(part) for part in operation["responses"].values()]
        if "requestBody" in operation:
            told.append(media_of(operation["requestBody"]))
        assert told, (method, path)
        for each in [*told, *operation.get("parameters", ())]:
            schema = {**each.get("schema", {}), **components}
            jsonschema_rs.validate(schema, each["example"])


def test_every_code_that_is_shown_could_be_one(document: dict[str, Any]) -> None:
    """Whoever copies one must not be told that it is none."""
    texts = json.dumps(document) + Path(client_module.__file__).read_text()
    shown = re.findall(r"BFC22-[0-9]{7}-[0-9]{2}-[0-9A-Z]{7}-[0-9A-Z]", texts)

    assert len(shown) > 5
    for code in shown:
        parse_code(code)


@pytest.mark.parametrize("path", SIGNED)
def test_the_terminals_examples_are_well_formed_for_the_service(spare: Device, path: str) -> None:
    """Refused, since nobody has these tickets; read nevertheless."""
    body = OPERATIONS[f"POST {path}"]["requestBody"]["content"]["application/json"]["example"]
    answer = spare.post(example_of(f"POST {path}"), body)

    told = answer.json()
    assert answer.status_code in {200, 404}, answer.text
    found = told["verdicts"][0] if "verdicts" in told else told
    assert found["reason"] in {"code-unknown", "claim-unknown"}


@pytest.mark.parametrize("path", ["/v1/challenges", "/v1/sessions", "/v1/terminals/enrol",
                                  "/v1/terminals/roll"])  # fmt: skip
def test_the_devices_examples_are_well_formed_for_the_service(
    client: httpx.Client, path: str
) -> None:
    """Refused where they are signed, for their signatures."""
    body = OPERATIONS[f"POST {path}"]["requestBody"]["content"]["application/json"]["example"]

    assert client.post(path, json=body).status_code in {201, 401}


def test_every_operation_tells_of_problems(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if path == "/healthz":
            continue
        default = operation["responses"]["default"]
        assert list(default["content"]) == ["application/problem+json"], (method, path)
        assert "422" not in operation["responses"], (method, path)
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_operators_examples_are_well_formed_for_the_service(
    shared: Served, document: dict[str, Any]
) -> None:
    """Refused, perhaps, because nothing of it exists; never unreadable."""
    for method, path, operation in operations(document):
        if method != "post" or operation.get("security") != [{"HTTPBearer": []}]:
            continue
        example = path.format(
            **{each["name"]: each["example"] for each in operation.get("parameters", ())}
        )
        body = media_of(operation["requestBody"])["example"] if "requestBody" in operation else None
        desk = shared.approver if path.endswith("/approve") else shared.operator
        # What an example does must not get into the way of other tests.
        told = None if body is None else json.dumps(body).replace("BFC22", "ZZ99")
        answer = desk.http.post(
            example.replace("BFC22", "ZZ99").replace("21250056500016", "35600000000048"),
            content=told,
            headers={"content-type": "application/json"},
        )
        assert answer.status_code not in {400, 401, 403, 415, 422, 500}, (path, answer.text)
    run = shared.operator.post("/v1/payment-runs/2022-05/withdraw")
    assert run.status_code == 201


def test_every_problem_is_in_the_catalogue(client: httpx.Client) -> None:
    listed = client.get("/v1/problems").json()

    assert {each["reason"] for each in listed} == PROBLEMS.keys()
    assert set(Reason) <= PROBLEMS.keys()
    for each in listed:
        assert each["type"] == f"urn:souche:problem:{each['reason']}"
        assert 400 <= each["status"] < 600
        assert each["title"]
        assert each["title_fr"]


@pytest.mark.parametrize("name", names())
def test_what_a_preset_publishes_can_be_published_by_http(name: str) -> None:
    """The limits of a body are wider than any programme that there is."""
    for rules in load(name).rules:
        assert RulesBody.model_validate(msgspec.to_builtins(rules)).rules() == rules
