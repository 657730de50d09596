"""The OpenAPI document. The hot routes' schemas come from the structs that parse them."""

from typing import Any, Final

import msgspec
from fastapi import FastAPI

from api import contract
from api.problems import Problem

_SIGNED: Final = [
    ("Content-Digest", "RFC 9530: `sha-256=:…:` over the body."),
    (
        "Signature-Input",
        (
            'RFC 9421, exactly: `souche=("@method" "@authority" "@path" "content-digest");'
            'created=…;keyid="SESSION";alg="hmac-sha256"`.'
        ),
    ),
    ("Signature", "`souche=:…:`, HMAC-SHA256 with the session's MAC key."),
]
_CODE: Final = "BFC22-0001234-03-07K2M9Q-X"
_CLAIM: Final = {
    "claim_id": "0190f5fe-7c00-7a00-8abc-0123456789ab",
    "codes": [_CODE],
    "sequence": 17,
}
_RECEIPT: Final = {
    "claim_id": "0190f5fe-7c00-7a00-8abc-0123456789ab",
    "position": 93021,
    "carnet": "BFC22-0001234",
    "tickets": [3],
    "amount_cents": 1000,
    "venue": "21250056500016",
    "served_at": "2022-05-17T09:14:03Z",
    "served_on": "2022-05-17",
    "replayed": False,
}
# path → (request, example, answer, example, status)
_HOT: Final[dict[str, tuple[type, dict[str, Any], type, dict[str, Any], str]]] = {
    "/v1/redemptions": (
        contract.RedemptionRequest,
        _CLAIM,
        contract.RedemptionReceipt,
        _RECEIPT,
        "201",
    ),
    "/v1/redemptions/batch": (
        contract.BatchRequest,
        {"claims": [_CLAIM]},
        contract.BatchAnswer,
        {"verdicts": [{"claim_id": _CLAIM["claim_id"], "status": 201, "position": 93021}]},
        "200",
    ),
    "/v1/redemptions/{claim_id}/void": (
        contract.VoidRequest,
        {"void_id": "0190f5fe-9c00-7a00-8abc-0123456789ab", "codes": [_CODE]},
        contract.VoidReceipt,
        {
            "void_id": "0190f5fe-9c00-7a00-8abc-0123456789ab",
            "claim_id": _CLAIM["claim_id"],
            "position": 93044,
            "tickets": [3],
            "amount_cents": 1000,
            "replayed": False,
        },
        "201",
    ),
    "/v1/checks": (
        contract.CheckRequest,
        {"codes": [_CODE]},
        contract.CheckAnswer,
        {
            "redeemable": True,
            "carnet": "BFC22-0001234",
            "tickets": [3],
            "amount_cents": 1000,
            "usable_until": "2023-01-31",
        },
        "200",
    ),
}


def describe(app: FastAPI) -> None:
    """Let `app.openapi()` list the hot routes and every problem too."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            _add_hot_routes(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _add_hot_routes(document: dict[str, Any]) -> None:
    types = [part for row in _HOT.values() for part in (row[0], row[2])]
    _, components = msgspec.json.schema_components(
        [*types, Problem], ref_template="#/components/schemas/{name}"
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(components)
    for path, (request, asked, answered, told, status) in _HOT.items():
        document["paths"][path] = {"post": _operation(path, request, asked, answered, told, status)}


def _operation(
    path: str,
    request: type,
    asked: dict[str, Any],
    answered: type,
    told: dict[str, Any],
    status: str,
) -> dict[str, Any]:
    headers = [
        {"name": name, "in": "header", "required": True, "description": text, "schema": _TEXT}
        for name, text in _SIGNED
    ]
    if "{claim_id}" in path:
        headers.append(
            {
                "name": "claim_id",
                "in": "path",
                "required": True,
                "schema": {**_TEXT, "format": "uuid"},
            }
        )
    return {
        "tags": ["terminals"],
        "summary": (request.__doc__ or "").splitlines()[0],
        "operationId": request.__name__.removesuffix("Request"),
        "parameters": headers,
        "requestBody": {"required": True, "content": {"application/json": _media(request, asked)}},
        "responses": {
            status: {
                "description": (answered.__doc__ or "").splitlines()[0],
                "content": {"application/json": _media(answered, told)},
            },
            "default": {
                "description": "A problem: see `reason`.",
                "content": {"application/problem+json": {"schema": _ref(Problem)}},
            },
        },
    }


_TEXT: Final = {"type": "string"}


def _media(kind: type, example: dict[str, Any]) -> dict[str, Any]:
    return {"schema": _ref(kind), "example": example}


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
