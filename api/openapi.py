"""The OpenAPI document. The hot routes' schemas come from the structs that parse them."""

from typing import Any, Final, NamedTuple

import msgspec
from fastapi import FastAPI

from api import contract, guide
from api.examples import add_examples
from api.problems import CONTENT_TYPE, PROBLEMS, Problem
from api.signatures import LARGEST_SKEW
from ledger.values.ids import UUID_PATTERN

Document = dict[str, Any]

_TEXT: Final = {"type": "string"}
_MAC: Final = (
    "`souche=:…:`, HMAC-SHA256 with the session's MAC key, over the parts that Signature-Input "
    "names: the five lines of the signature base."
)
_SIGNATURE: Final = {"type": "apiKey", "in": "header", "name": "Signature", "description": _MAC}
_SIGNED: Final = [
    ("Content-Digest", "RFC 9530: `sha-256=:…:` over the body."),
    (
        "Signature-Input",
        (
            'RFC 9421, exactly: `souche=("@method" "@authority" "@path" "content-digest");'
            'created=…;keyid="SESSION";alg="hmac-sha256"`. `created` is within '
            f"{LARGEST_SKEW} seconds of our clock."
        ),
    ),
    ("Signature", _MAC),
]


class _Hot(NamedTuple):
    summary: str
    request: type
    answer: type
    status: str


_HOT: Final = {
    "/v1/redemptions": _Hot(
        "Redeem Tickets", contract.RedemptionRequest, contract.RedemptionReceipt, "201"
    ),
    "/v1/redemptions/batch": _Hot(
        "Redeem Batch", contract.BatchRequest, contract.BatchAnswer, "200"
    ),
    "/v1/redemptions/{claim_id}/void": _Hot(
        "Void Redemption", contract.VoidRequest, contract.VoidReceipt, "201"
    ),
    "/v1/checks": _Hot("Check Tickets", contract.CheckRequest, contract.CheckAnswer, "200"),
}
# Answers that have one part or another, never all of them.
_ANSWERS: Final[dict[type, Document]] = {
    contract.BatchAnswer: {
        "verdicts": [
            {
                "claim_id": "0190f5fe-7c00-7a00-8abc-0123456789ab",
                "status": 201,
                "position": 93021,
                "carnet": "BFC22-0001234",
                "tickets": [3],
                "amount_cents": 1000,
                "venue": "21250056500016",
                "served_at": "2022-05-17T09:14:03Z",
                "served_on": "2022-05-17",
            },
            {
                "claim_id": "0190f5fe-7c00-7a00-8abc-0123456789ac",
                "status": 409,
                "type": "urn:souche:problem:ticket-already-redeemed",
                "title": "The ticket was redeemed already",
                "title_fr": "Le ticket a déjà été encaissé",
                "reason": "ticket-already-redeemed",
                "redeemed_at": "2022-05-16T14:02:11Z",
            },
        ]
    },
    contract.CheckAnswer: {
        "redeemable": True,
        "carnet": "BFC22-0001234",
        "tickets": [3],
        "amount_cents": 1000,
        "usable_until": "2023-01-31",
    },
}


def describe(app: FastAPI) -> None:
    """Let `app.openapi()` list the hot routes, problems, replays and examples too."""
    generate = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            document = generate()
            document["info"]["description"] = guide.GENERAL
            document["tags"] = [{"name": "terminals", "description": guide.TERMINALS}]
            _add_hot_routes(document)
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _add_answers(path, operation, document["components"]["schemas"])
            add_examples(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def methods_of(app: FastAPI, path: str) -> str:
    """The methods of an address. The framework tells those of one of its routes only."""
    operations = app.openapi()["paths"][path]
    return ", ".join(sorted(method.upper() for method in operations))


def _add_hot_routes(document: Document) -> None:
    types = [kind for hot in _HOT.values() for kind in (hot.request, hot.answer)]
    _, schemas = msgspec.json.schema_components(
        [*types, Problem], ref_template="#/components/schemas/{name}"
    )
    components = document["components"]
    components["schemas"].update(schemas)
    for kind in (Problem, contract.Verdict):
        for name, text in guide.PARTS.items():
            schemas[kind.__name__]["properties"][name]["description"] = text
    for name in ("HTTPValidationError", "ValidationError"):  # the framework's; ours are problems
        components["schemas"].pop(name, None)
    components["securitySchemes"]["TerminalSignature"] = _SIGNATURE
    for path, hot in _HOT.items():
        document["paths"][path] = {"post": _hot_operation(path, hot)}


def _hot_operation(path: str, hot: _Hot) -> Document:
    parameters: list[Document] = [
        {"name": name, "in": "header", "required": True, "description": text, "schema": _TEXT}
        for name, text in _SIGNED
    ]
    if "{claim_id}" in path:
        schema = {**_TEXT, "pattern": UUID_PATTERN}
        parameters.append({"name": "claim_id", "in": "path", "required": True, "schema": schema})
    return {
        "tags": ["terminals"],
        "summary": hot.summary,
        "description": hot.request.__doc__,
        "operationId": hot.request.__name__.removesuffix("Request"),
        "security": [{"TerminalSignature": []}],
        "parameters": parameters,
        "requestBody": {"required": True, "content": _json(hot.request)},
        "responses": {
            hot.status: {"description": hot.answer.__doc__, "content": _json(hot.answer)},
        },
    }


def _json(kind: type) -> Document:
    media: Document = {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}
    if kind in _ANSWERS:
        media["example"] = _ANSWERS[kind]
    return {"application/json": media}


def _add_answers(path: str, operation: Document, schemas: Document) -> None:
    """What every route may answer besides: problems, and the first answer again."""
    responses = operation["responses"]
    responses.pop("422", None)
    if path == "/healthz":
        responses["200"]["description"] = "It answers."
        responses["200"]["content"]["text/plain"]["example"] = "ok\n"
        return
    for response in responses.values():
        response["description"] = _answered(response, schemas)["description"]
    created = responses.get("201")
    if created and "replayed" in _answered(created, schemas)["properties"]:
        responses["200"] = {**created, "description": "It had happened before: `replayed` is true."}
    responses["default"] = {
        "description": "A problem: programs look at `reason`. `GET /v1/problems` lists them all.",
        "headers": {
            "Retry-After": {
                "description": "Where `retry` is true: seconds to wait for.",
                "schema": {"type": "integer"},
            }
        },
        "content": {
            CONTENT_TYPE.decode(): {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": msgspec.to_builtins(PROBLEMS["ticket-already-redeemed"]),
            },
        },
    }


def _answered(response: Document, schemas: Document) -> Document:
    """The schema of a JSON answer, or of each of its items."""
    schema = response["content"]["application/json"]["schema"]
    reference: str = schema.get("items", schema)["$ref"]
    found: Document = schemas[reference.rpartition("/")[2]]
    return found
