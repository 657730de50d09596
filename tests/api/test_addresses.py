"""Addresses, methods, kinds of bodies and credentials that are none."""

from typing import Final

import httpx
import pytest

from tests.api.asking import MARK, problem
from tests.api.ledgers import Served
from tests.api.operating import new_id

ADDRESSES: Final = [
    ("GET", f"/v1/{MARK}", 404),
    ("GET", "/", 404),
    ("GET", "/v1/venues/", 404),
    ("POST", "/v1/venues/", 404),
    ("POST", "/v1//redemptions", 404),
    ("POST", "/v1/redemptions/", 404),
    ("POST", f"/v1/redemptions/{MARK}/void", 404),
    ("GET", "/v1/events/0", 422),
    ("GET", "/v1/events/-1", 422),
    ("GET", "/v1/events/1.5", 422),
    ("GET", "/v1/events/9223372036854775808", 422),
    ("GET", "/v1/events/9223372036854775807", 404),
    ("GET", f"/v1/events/{'9' * 5000}", 422),
    ("GET", f"/v1/events/{MARK}", 422),
    ("GET", "/v1/carnets/bfc22-0000001", 422),
    ("GET", "/v1/carnets/BFC22-9999999", 404),
    ("GET", "/v1/carnets/BFC22-0000001%0A", 422),
    ("GET", "/v1/carnets/%00", 422),
    ("GET", "/v1/carnets/%FF%FE", 422),
    ("GET", f"/v1/carnets/{MARK}", 422),
    ("GET", "/v1/payouts/21250056500017", 422),
    ("GET", "/v1/payment-runs/none", 404),
    ("GET", f"/v1/payment-runs/{'a' * 19}", 422),
    ("GET", "/v1/balances?at_least=-1", 422),
    ("GET", f"/v1/balances?at_least={MARK}", 422),
    ("GET", "/v1/balances?at_least=9223372036854775808", 422),
    ("GET", f"/v1/balances?prefix={MARK}%27", 422),
    ("GET", "/v1/balances?prefix=%00", 422),
    ("GET", "/v1/balances?at_lest=1", 422),
    ("GET", "/v1/balances?at_least=1&at_least=2", 422),
    ("GET", f"/v1/status?{MARK}=1", 422),
    ("POST", f"/v1/venues?{MARK}", 422),
    ("POST", "/v1/redemptions?claim_id=1", 422),
    ("POST", "/v1/programmes/bfc22/close", 422),
]


@pytest.mark.parametrize(("method", "path", "status"), ADDRESSES)
def test_an_address_that_is_none(shared: Served, method: str, path: str, status: int) -> None:
    before = shared.log_size()

    answer = shared.operator.http.request(
        method, path, json={"command_id": new_id()} if method == "POST" else None
    )

    assert problem(answer)["status"] == status
    assert shared.log_size() == before


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/redemptions", "POST"),
        ("/v1/venues", "POST"),
        ("/v1/payment-runs/2022-05", "GET"),
        (f"/v1/programmes/{MARK}/orders", "GET, POST"),
        ("/openapi.json", "GET, HEAD"),
        ("/healthz", "GET"),
    ],
)
def test_a_method_that_an_address_has_not(client: httpx.Client, path: str, methods: str) -> None:
    answer = client.patch(path)

    assert problem(answer)["reason"] == "method-not-allowed"
    assert ", ".join(sorted(answer.headers["allow"].split(", "))) == methods


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/xml", "json", "application/jsonp", "application/problem+json", MARK],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/venues", "/v1/challenges", "/v1/redemptions"])
def test_a_body_of_another_kind(shared: Served, path: str, kind: str) -> None:
    before = shared.log_size()

    answer = shared.operator.http.post(path, content=b"{}", headers={"content-type": kind})

    assert problem(answer)["reason"] == "unsupported-media-type"
    assert shared.log_size() == before


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json_however_it_is_written(client: httpx.Client, kind: str) -> None:
    answer = client.post(
        "/v1/challenges",
        content=b'{"terminal": "t-0123456789ab"}',
        headers={"content-type": kind},
    )

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "credentials",
    ["", "Bearer", f"Bearer {MARK}", f"Basic {MARK}", MARK, "Bearer a b c", "Bearer é",
     "Bearer " + "a" * 8000],
)  # fmt: skip
def test_credentials_that_are_none(client: httpx.Client, credentials: str) -> None:
    answer = client.get("/v1/status", headers=[(b"authorization", credentials.encode("latin-1"))])

    assert problem(answer)["reason"] == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"
