"""What no route takes, asked of each route of the document; a new one is asked too."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.api.asking import BODIES, DOCUMENT, MARK, OPERATIONS, SIGNED, example_of, problem
from tests.api.device import Device, Signed
from tests.api.ledgers import Served
from tests.api.operating import Desk
from tests.api.test_signatures import SPOILED

NO_IDS: Final = [
    f"{MARK}!",
    "%00",
    "%FF%FE",
    "%0A",
    "..%2F..",
    "'",
    "-1",
    "1.5",
    "9" * 5000,
    "é",
    " ",
]
OTHER_KINDS: Final = [
    "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/xml", "json", "application/jsonp", "application/problem+json", MARK,
]  # fmt: skip
OTHER_CREDENTIALS: Final = [
    "", "Bearer", f"Bearer {MARK}", f"Basic {MARK}", MARK, "Bearer a b c", "Bearer é",
    "Bearer " + "a" * 8000,
]  # fmt: skip


def parameters(route: str, place: str) -> list[dict[str, Any]]:
    told = OPERATIONS[route].get("parameters", ())
    return [each for each in told if each["in"] == place]


@pytest.fixture(autouse=True)
def _nothing_is_appended(shared: Served) -> Iterator[None]:
    before = shared.log_size()
    yield
    assert shared.log_size() == before


def desk_for(shared: Served, route: str) -> Desk:
    return shared.approver if route.endswith("/approve") else shared.operator


def ask(shared: Served, route: str, path: str) -> httpx.Response:
    """Ask with the example as a body, of whoever may ask; a device would have to sign."""
    method = route.partition(" ")[0]
    body = OPERATIONS[route].get("requestBody")
    given = body["content"]["application/json"]["example"] if body else None
    return desk_for(shared, route).http.request(method, path, json=given)


@pytest.mark.parametrize("route", [each for each in OPERATIONS if parameters(each, "path")])
def test_an_id_that_is_none(shared: Served, route: str) -> None:
    """In each place of the address; of a redemption, too, for which there is no other address."""
    address = route.partition(" ")[2]
    examples = {each["name"]: each["example"] for each in parameters(route, "path")}
    for name in examples:
        for value in NO_IDS:
            answer = ask(shared, route, address.format(**{**examples, name: value}))
            assert problem(answer)["status"] in {404, 422}, (name, value)


@pytest.mark.parametrize("route", OPERATIONS)
def test_a_query_that_is_not_taken(shared: Served, route: str) -> None:
    asked = [f"{MARK}=1", f"%00={MARK}", "at_lest=1"]
    for name in (each["name"] for each in parameters(route, "query")):
        asked += [f"{name}={MARK}%27", f"{name}=%00", f"{name}=1&{name}=1"]
    for query in asked:
        answer = ask(shared, route, f"{example_of(route)}?{query}")
        assert problem(answer)["reason"] == "invalid", query


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_a_method_that_is_not_taken(shared: Served, path: str) -> None:
    taken = {method.upper() for method in DOCUMENT["paths"][path]}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} - taken:
        answer = shared.operator.http.request(method, example_of(f"{min(taken)} {path}"))
        assert problem(answer)["reason"] == "method-not-allowed", method
        assert answer.headers["allow"] == ", ".join(sorted(taken))


@pytest.mark.parametrize("path", BODIES)
def test_a_body_of_another_kind(shared: Served, path: str) -> None:
    for kind in OTHER_KINDS:
        answer = desk_for(shared, path).http.post(
            example_of(f"POST {path}"), content=b"{}", headers={"content-type": kind}
        )
        assert problem(answer)["reason"] == "unsupported-media-type", kind


@pytest.mark.parametrize("path", SIGNED)
def test_a_signature_that_is_none(device: Device, path: str) -> None:
    address = example_of(f"POST {path}")
    for what, spoil in SPOILED.items():
        signed = device.sign(address, b"{}")
        if what == "the path of another route":
            signed.path = next(each for each in SIGNED if "{" not in each and each != path)
        else:
            spoil(signed)
        assert problem(sent(device, signed))["reason"] == "unauthenticated", what


def sent(device: Device, signed: Signed) -> httpx.Response:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in signed.headers.items()]
    return device.http.post(signed.path, content=signed.body, headers=headers)


@pytest.mark.parametrize("route", [each for each in OPERATIONS if "security" in OPERATIONS[each]])
def test_credentials_that_are_none(client: httpx.Client, route: str) -> None:
    method = route.partition(" ")[0]
    body = OPERATIONS[route].get("requestBody")
    given = body["content"]["application/json"]["example"] if body else None
    for credentials in OTHER_CREDENTIALS:
        headers = [(b"authorization", credentials.encode("latin-1"))]
        answer = client.request(method, example_of(route), json=given, headers=headers)
        assert problem(answer)["reason"] == "unauthenticated", credentials
