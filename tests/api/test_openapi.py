"""The document tells the truth: valid, complete, with examples that the service takes."""

import http.client
import json
import re
import socket
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis

from api import client as client_module
from api import guide, limits
from api.nonces import NONCE_SECONDS
from api.problems import PROBLEMS, problem_for
from api.rules import RulesBody
from api.signatures import LARGEST_SKEW, SESSION_SECONDS
from ledger.presets.loader import load, names
from ledger.values.codes import ALPHABET, parse_code
from ledger.values.reasons import Reason, Refusal
from tests.api.asking import DOCUMENT, OPERATIONS, SIGNED, example_of
from tests.api.device import Device
from tests.api.ledgers import Served

ROOT: Final = Path(client_module.__file__).parent.parent
VECTORS: Final = ROOT / "api/vectors.json"

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


def test_the_devices_examples_are_of_one_moment(document: dict[str, Any]) -> None:
    """A nonce and a session's id say until when they are good; so do the answers."""
    schemas = {path: document["paths"][path]["post"] for path in ("/v1/challenges", "/v1/sessions")}
    challenge, opened = (media_of(each["responses"]["201"])["example"] for each in schemas.values())

    asked_at = datetime.fromisoformat(opened["server_time"])
    for told, seconds, lasts in (
        (challenge, challenge["nonce"].split(".")[0], NONCE_SECONDS),
        (opened, opened["session"].split(".")[2], SESSION_SECONDS),
    ):
        expires_at = datetime.fromisoformat(told["expires_at"])
        assert expires_at.timestamp() == int(seconds)
        assert expires_at - asked_at == timedelta(seconds=lasts)
    for path in SIGNED:
        parameters = OPERATIONS[f"POST {path}"]["parameters"]
        (signed,) = [each for each in parameters if each["name"] == "Signature-Input"]
        assert f'keyid="{opened["session"]}"' in signed["example"]
        assert f"created={asked_at.timestamp():.0f};" in signed["example"]


@pytest.mark.parametrize("path", SIGNED)
def test_a_signed_request_names_its_three_headers(path: str) -> None:
    told = {each["name"]: each for each in OPERATIONS[f"POST {path}"]["parameters"]}

    for name in ("Content-Digest", "Signature-Input", "Signature"):
        assert told[name]["in"] == "header"
        assert told[name]["required"] is True
        assert told[name]["description"]


def test_its_recipe_makes_the_vectors(document: dict[str, Any]) -> None:
    """Whoever follows the text alone makes the signature bases that the service checks."""
    (recipe,) = [
        part
        for part in terminals(document).split("\n\n")
        if part.startswith('    "@method": POST\n')
    ]
    base = "\n".join(line.removeprefix("    ") for line in recipe.split("\n"))

    for case in json.loads(VECTORS.read_text("utf-8"))["requests"]:
        made = base.replace("/v1/redemptions", case["path"])
        made = made.replace("AUTHORITY", case["authority"]).replace("SESSION", case["session"])
        digest = b64encode(sha256(case["body"].encode()).digest()).decode()
        made = made.replace("DIGEST", digest).replace("CREATED", str(case["created"]))
        assert made == case["signature_base"]


def test_it_tells_what_a_maker_of_terminals_asks(document: dict[str, Any]) -> None:
    told = terminals(document)
    assert f"differ from ours by {LARGEST_SKEW} seconds either way" in told
    assert ALPHABET in told
    assert "in base 32, modulo 37" in told
    assert f"Checks: {limits.CHECKS_AT_ONCE:g} at once, then {limits.CHECKS_A_SECOND:g} a s" in told
    assert f"Unknown codes: {limits.GUESSES_AT_ONCE:g} at once, then one every 6 s" in told
    for path in re.findall(r"`(api/[a-z.]+)`", told):
        assert (ROOT / path).is_file()
    assert "`api/vectors.json`" in told

    general = document["info"]["description"]
    assert "UUIDs in lower case, of any version" in general
    assert '`"retry": true` is not an answer' in general
    assert "even where it is no HTTP" in general
    assert f"{limits.FAILURES_AT_ONCE:g} times at once" in general


def test_its_fields_tell_what_a_maker_of_terminals_asks(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    redemption, void = (
        schemas[name]["properties"] for name in ("RedemptionRequest", "VoidRequest")
    )
    assert "A retry is not compared by it" in redemption["sequence"]["description"]
    claim_id = redemption["claim_id"]["description"]
    assert "lower case" in claim_id
    assert "the terminal, the tickets, `service_code` and `workshop_id`. Where one" in claim_id
    assert "Neither `sequence` nor the codes' secrets are compared." in claim_id
    assert "All the codes that the claim took" in void["codes"]["description"]
    assert set(guide.PARTS) == set(schemas["Problem"]["properties"])
    for kind in ("Problem", "Verdict"):
        for name, text in guide.PARTS.items():
            assert schemas[kind]["properties"][name]["description"] == text


def terminals(document: dict[str, Any]) -> str:
    """What it says to makers of terminals."""
    (told,) = [each["description"] for each in document["tags"] if each["name"] == "terminals"]
    assert isinstance(told, str)
    return told


@pytest.mark.parametrize(
    "sent",
    [
        b"no HTTP\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nno header\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: \0\r\n\r\n",
        b"POST /v1/challenges HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/challenges HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_as_a_problem(shared: Served, sent: bytes) -> None:
    """As the document says."""
    url = httpx.URL(shared.url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as asking:
        asking.sendall(sent)
        answer = http.client.HTTPResponse(asking)
        answer.begin()

        assert answer.status == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.read())["reason"] == "malformed"


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


def test_a_venue_out_of_the_area_is_told_what_to_do() -> None:
    """The ticket is good elsewhere: whoever showed it needs it."""
    told = problem_for(Refusal(Reason.VENUE_OUT_OF_AREA, 1, {"carnet": "BFC22-0001234"}))

    assert "give the ticket back" in told.title
    assert "rendez le ticket" in told.title_fr


@pytest.mark.parametrize("name", names())
def test_what_a_preset_publishes_can_be_published_by_http(name: str) -> None:
    """The limits of a body are wider than any programme that there is."""
    for rules in load(name).rules:
        assert RulesBody.model_validate(msgspec.to_builtins(rules)).rules() == rules
