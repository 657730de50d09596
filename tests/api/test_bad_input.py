"""Whatever is sent: a problem of a stable type, nothing appended, nothing repeated."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.asking import BODIES, MARK, OPERATIONS, Asking, Json, problem
from tests.api.device import Device
from tests.api.ledgers import Served

# Raw bodies that are no JSON, or JSON that two readers could read in two ways.
UNREADABLE: Final[dict[str, bytes]] = {
    "nothing": b"",
    "a word": b"hello",
    "half an object": b'{"command_id": "',
    "two objects": b"{}{}",
    "single quotes": b"{'a': 1}",
    "a trailing comma": b'{"a": 1,}',
    "a comment": b'{"a": 1} // no',
    "not UTF-8": b'{"command_id": "\xff\xfe"}',
    "half a character": b'{"command_id": "\xc3"}',
    "a lone surrogate in bytes": b'{"command_id": "\xed\xa0\x80"}',
    "UTF-16": '{"command_id": "a"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a control character": b'{"command_id": "\x01"}',
    "a null byte": b"{}\x00",
    "a hundred thousand brackets": b"[" * 100_000,
    "nested objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a name twice": b'{"command_id": "a", "command_id": "b"}',
    "a name twice, deep down": b'{"shares": {"region": 1, "region": 2}}',
    "not a number": b'{"sequence": NaN}',
    "infinity": b'{"sequence": -Infinity}',
    "more digits than a number has": b'{"sequence": ' + b"9" * 10_000 + b"}",
    "a hexadecimal number": b'{"sequence": 0x10}',
    "leading zeros": b'{"sequence": 007}',
}
OTHER_THINGS: Final = [b"null", b"true", b"1", b'"text"', b"[]", b"{}", b"[{}]"]
# Values that no field takes, or few: a field that takes one is not asked with it.
VALUES: Final[list[Any]] = [
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    MARK,
    f"{MARK}\n",
    f"\ud800{MARK}",
    MARK * 500,
    "2022-02-30",
    1652745600,
    [],
    [MARK],
    {MARK: MARK},
]


@pytest.fixture(scope="module")
def asked(shared: Served, device: Device) -> dict[str, Asking]:
    return {route: Asking(shared, device, route) for route in BODIES}


@pytest.fixture(params=BODIES)
def asking(request: pytest.FixtureRequest, asked: dict[str, Asking]) -> Asking:
    """Each route that takes a body."""
    return asked[request.param]


def test_a_body_that_can_not_be_read(asking: Asking) -> None:
    for what, body in UNREADABLE.items():
        assert problem(asking.send(body))["reason"] in {"malformed", "invalid"}, what


def test_a_body_that_is_no_object(asking: Asking) -> None:
    for body in OTHER_THINGS:
        assert problem(asking.send(body))["reason"] == "invalid", body


def test_an_unknown_field(asking: Asking) -> None:
    for value in (1, MARK, {MARK: 1}):
        body = json.dumps({**asking.example, MARK: value}).encode()
        assert problem(asking.send(body))["reason"] == "invalid"


def test_a_name_that_stands_twice(asking: Asking) -> None:
    """Also one that is spelt in two ways."""
    name, value = next(iter(asking.example.items()))
    whole = json.dumps(asking.example)[:-1]
    for spelt in (name, f"\\u{ord(name[0]):04x}{name[1:]}"):
        body = f'{whole}, "{spelt}": {json.dumps(value)}}}'.encode()
        assert problem(asking.send(body))["reason"] == "malformed"


def spoiled(whole: Any) -> Iterator[Any]:  # noqa: ANN401  # JSON
    """A value with one part missing or of another kind, however deep inside."""
    if isinstance(whole, dict):
        for name, part in whole.items():
            rest = {key: value for key, value in whole.items() if key != name}
            yield rest
            yield from ({**rest, name: value} for value in (*VALUES, *spoiled(part)))
            yield {**whole, MARK: 1}
    elif isinstance(whole, list):
        for number, part in enumerate(whole):
            for value in (*VALUES, *spoiled(part)):
                yield [*whole[:number], value, *whole[number + 1 :]]
            yield whole * 1001


def test_a_field_that_is_missing_or_of_another_kind(asking: Asking) -> None:
    bodies = [body for body in spoiled(asking.example) if not asking.is_well_formed(body)]

    assert len(bodies) >= 10
    for body in bodies:
        told = problem(asking.send(json.dumps(body).encode()))
        assert told["reason"] in {"malformed", "invalid"}, body


def rules(**changes: object) -> Json:
    return {"sizes": [5], "face_value_cents": 1000, "millesimes": [2022], **changes}


BFC22: Final = "/v1/programmes/BFC22"
VENUE: Final = "/v1/venues/21250056500016"
TWICE: Final = ["BFC22-0000001", "BFC22-0000001"]
# What a schema can't say.
MEANT: Final[list[tuple[str, str, object]]] = [
    ("/v1/programmes", "zone", "Europe/Nowhere"),
    ("/v1/programmes", "zone", "../../etc/passwd"),
    ("/v1/programmes", "shares", {"region": 0}),
    ("/v1/programmes", "shares", {"a b": 1}),
    ("/v1/programmes", "programme", "LOUI"),
    (f"{BFC22}/rules", "rules", rules(sizes=[0])),
    (f"{BFC22}/rules", "rules", rules(last_day="02-29")),
    (f"{BFC22}/rules", "rules", rules(last_day="04-31")),
    (f"{BFC22}/rules", "rules", rules(acceptance={"kind": "regions"})),
    (f"{BFC22}/rules", "rules", rules(acceptance={"kind": "national", "codes": ["27"]})),
    (f"{BFC22}/funding", "cents", {"region": 0}),
    (f"{BFC22}/funding", "cents", {"region": -100}),
    (f"{BFC22}/funding", "cents", {"region": 10**13}),
    (f"{BFC22}/activations", "carnets", TWICE),
    (f"{BFC22}/orders/order-1/chunks", "seed", "_" * 43),  # stray bits at the end
    ("/v1/holders", "siret", "21250056500017"),
    ("/v1/transfers", "receiver", "region-bfc"),
    ("/v1/transfers", "carnets", TWICE),
    ("/v1/carnets/BFC22-0000001/assignments", "tickets", [1, 1]),
    ("/v1/venues", "venue", "21250056500017"),
    ("/v1/venues", "department", "2Z"),
    (f"{VENUE}/qualifications", "last_day", "2021-12-31"),
    (f"{VENUE}/qualifications", "first_day", "1999-12-31"),
    (f"{VENUE}/qualifications", "first_day", "9999-12-31"),
    (f"{VENUE}/withdrawals", "effective_on", "0001-01-01"),
]


@pytest.mark.parametrize(("path", "field", "value"), MEANT)
def test_a_value_that_can_not_be_meant(
    shared: Served, path: str, field: str, value: object
) -> None:
    route = next(route for route in BODIES if fits(route, path))
    example = OPERATIONS[f"POST {route}"]["requestBody"]["content"]["application/json"]
    before = shared.log_size()

    answer = shared.operator.http.post(path, json={**example["example"], field: value})

    assert problem(answer)["reason"] == "invalid"
    assert shared.log_size() == before


def fits(route: str, path: str) -> bool:
    parts, found = route.split("/"), path.split("/")
    return len(parts) == len(found) and all(
        part == other or part.startswith("{") for part, other in zip(parts, found, strict=True)
    )


ANY_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FAST: Final = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FAST
@given(data=st.data(), route=st.sampled_from(BODIES))
def test_anything_in_a_field_is_answered_with_a_problem(
    asked: dict[str, Asking], data: st.DataObject, route: str
) -> None:
    asking = asked[route]
    name = data.draw(st.sampled_from(sorted(asking.example)))
    body = {**asking.example, name: data.draw(ANY_JSON)}
    if not asking.is_well_formed(body):
        answer = asking.send(json.dumps(body).encode())
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["reason"] in {"malformed", "invalid"}


@FAST
@given(body=st.binary(max_size=200), route=st.sampled_from(BODIES))
def test_any_bytes_are_answered_with_a_problem(
    asked: dict[str, Asking], body: bytes, route: str
) -> None:
    answer = asked[route].send(body)

    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["reason"] in {"malformed", "invalid"}
