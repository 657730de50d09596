"""Single addresses and methods that are none; `test_every_route` asks each route the same."""

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


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json_however_it_is_written(client: httpx.Client, kind: str) -> None:
    answer = client.post(
        "/v1/challenges",
        content=b'{"terminal": "t-0123456789ab"}',
        headers={"content-type": kind},
    )

    assert answer.status_code == 201


def test_whoever_has_no_token_is_told_what_to_bring(client: httpx.Client) -> None:
    for headers in ({}, {"authorization": f"Bearer {MARK}"}):
        answer = client.get("/v1/status", headers=headers)
        assert problem(answer)["reason"] == "unauthenticated"
        assert answer.headers["www-authenticate"] == "Bearer"
