"""No request that is well-formed leads to a fact that the log is too narrow for."""

import re
from itertools import count
from re import _parser  # no other reads a pattern
from typing import Any, Final

import pytest

from api.contract import LARGEST_BATCH
from ledger.values.money import LARGEST_AMOUNT, LARGEST_FACE_VALUE
from tests.api.asking import BODIES, DOCUMENT, OPERATIONS
from tests.api.ledgers import Served
from tests.api.operating import MILLESIME, Desk, new_id, refused

LARGEST_FACT: Final = 65_535  # bytes: a CHECK of the log
HEADER: Final = 1_000  # bytes of an event that are not its request's
WIDEST: Final = "\N{GRINNING FACE}"  # four bytes, the most that a character of text takes
NUMBER: Final = len(str(2**63))
FORMATS: Final = {"uuid": 36, "date": 10}

SCHEMAS: Final = DOCUMENT["components"]["schemas"]
names = count(1)


def longest(schema: dict[str, Any]) -> int:
    """The most bytes that a value takes as JSON.

    Raises:
        AssertionError: there is no most.
    """
    match schema:
        case {"$ref": name}:
            return longest(SCHEMAS[name.rpartition("/")[2]])
        case {"anyOf": choices}:
            return max(map(longest, choices))
        case {"enum": values}:
            return max(len(str(value)) + 2 for value in values)
        case {"type": "string"}:
            return 2 + longest_text(schema)
        case {"type": "array", "items": item, "maxItems": most}:
            return 2 + int(most) * (longest(item) + 1)
        case {"type": "object", "patternProperties": kinds, "maxProperties": most}:
            ((name, value),) = kinds.items()
            return 2 + int(most) * (2 + longest_text({"pattern": name}) + 1 + longest(value) + 1)
        case {"type": "object", "properties": parts, "additionalProperties": False}:
            return 2 + sum(len(name) + 4 + longest(part) for name, part in parts.items())
        case {"type": "integer", "maximum": _} | {"type": "boolean" | "null"}:
            return NUMBER
        case _:
            raise AssertionError(schema)


def longest_text(schema: dict[str, Any]) -> int:
    """The most bytes that text takes, quotes left out."""
    if "format" in schema:
        return FORMATS[schema["format"]]
    pattern = schema.get("pattern", "")
    matched = _parser.parse(pattern).getwidth()[1] if pattern else _parser.MAXREPEAT
    letters = int(min(matched, schema.get("maxLength", _parser.MAXREPEAT)))
    assert letters <= 1000, schema
    takes_any = not pattern or re.search(pattern, WIDEST)
    return letters * (len(WIDEST.encode()) if takes_any else 1)


@pytest.mark.parametrize("path", BODIES)
def test_a_request_is_no_longer_than_a_fact_may_be(path: str) -> None:
    """A claim of a batch is a fact of its own."""
    facts = LARGEST_BATCH if path.endswith("/batch") else 1
    body = OPERATIONS[f"POST {path}"]["requestBody"]["content"]["application/json"]["schema"]

    assert longest(body) <= facts * (LARGEST_FACT - HEADER)


def test_every_parameter_has_a_longest_value() -> None:
    for operation in OPERATIONS.values():
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "header":  # the server's own limit
                assert longest(parameter["schema"]) <= 200, parameter


@pytest.fixture
def programme(shared: Served) -> str:
    """A programme with as many funders as there may be, and a name as long as it may be."""
    found = f"W{next(names)}"
    shares = {f"{WIDE[:37]}{number:03d}": 10**12 for number in range(100)}
    shared.operator.done("/v1/programmes", programme=found, name=WIDEST * 200, shares=shares)
    return found


WIDE: Final = "f" * 40
RULES: Final[dict[str, Any]] = {
    "sizes": list(range(90, 100)),
    "face_value_cents": LARGEST_FACE_VALUE,
    "millesimes": [MILLESIME, *range(2180, 2199)],
    "distribution_last_day": "12-31",
    "activation_requires": "commitment",
    "acceptance": {"kind": "departments", "codes": ["2A" * 7] * 1000},
    "entitlements": [
        {
            "category": WIDEST * 80,
            "tickets": 1000,
            "supplement_tickets": 1000,
            "min_age": 130,
            "max_age": 130,
            "residence": WIDEST * 80,
            "evidence": [WIDEST * 80] * 4,
        }
    ]
    * 12,
    "services": [WIDE] * 200,
}


def test_the_longest_rules_that_are_taken_are_kept(shared: Served, programme: str) -> None:
    path = f"/v1/programmes/{programme}/rules"
    kept = shared.operator.done(path, rule_version=1, rules=RULES)

    found = shared.query(
        f"SELECT octet_length(state) FROM events WHERE notification_id = {kept['position']}"  # noqa: S608
    )
    assert 45_000 < found < LARGEST_FACT


def test_the_largest_funding_that_is_taken_is_kept(shared: Served, programme: str) -> None:
    cents = {f"{WIDE[:37]}{number:03d}": LARGEST_AMOUNT // 100 for number in range(100)}
    told = {"millesime": MILLESIME, "stage": "cash", "reference": WIDEST * 199 + "1"}

    assert shared.operator.done(f"/v1/programmes/{programme}/funding", cents=cents, **told)


def test_no_more_is_funded_at_once_however_many_funders_share_it(
    shared: Served, programme: str
) -> None:
    """What read models add up has to stay within what they can count."""
    cents = {f"{WIDE[:37]}{number:03d}": LARGEST_AMOUNT // 2 + number for number in range(2)}
    told = {"millesime": MILLESIME, "stage": "cash", "reference": "VIR-1"}
    before = shared.log_size()

    answer = shared.operator.post(f"/v1/programmes/{programme}/funding", cents=cents, **told)

    assert refused(answer, 422) == "invalid"
    assert answer.json()["detail"] == f"cents: at most {LARGEST_AMOUNT} of all funders together"
    assert shared.log_size() == before


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("sizes", [5] * 11),
        ("millesimes", [MILLESIME] * 21),
        ("acceptance", {"kind": "venues", "codes": ["21250056500016"] * 1001}),
        ("acceptance", {"kind": "venues", "codes": ["212500565000161"]}),
        ("entitlements", RULES["entitlements"] + RULES["entitlements"][:1]),
        ("entitlements", [{**RULES["entitlements"][0], "evidence": ["a"] * 5}]),
        ("entitlements", [{**RULES["entitlements"][0], "category": "a" * 81}]),
        ("services", [WIDE] * 201),
        ("services", [WIDE + "f"]),
    ],
)
def test_rules_that_are_longer_are_refused(
    shared: Served, programme: str, field: str, more: object
) -> None:
    before = shared.log_size()
    path = f"/v1/programmes/{programme}/rules"
    answer = shared.operator.post(path, rule_version=1, rules={**RULES, field: more})

    assert refused(answer, 422) == "invalid"
    assert f"rules.{field}" in answer.json()["detail"]
    assert shared.log_size() == before


@pytest.mark.parametrize(
    ("path", "field", "more"),
    [
        ("/v1/programmes", "name", "a" * 201),
        ("/v1/programmes", "shares", {f"f{number}": 1 for number in range(101)}),
        ("/v1/programmes", "shares", {"f" * 41: 1}),
        ("/v1/programmes/BFC22/funding", "reference", "a" * 201),
        ("/v1/programmes/BFC22/funding", "cents", {f"f{number}": 1 for number in range(101)}),
        ("/v1/programmes/BFC22/activations", "carnets", [f"B2-{n:07d}" for n in range(401)]),
        ("/v1/transfers", "carnets", [f"B2-{n:07d}" for n in range(401)]),
        ("/v1/holders", "name", "a" * 201),
        ("/v1/venues", "name", "a" * 201),
        ("/v1/terminals", "label", "a" * 81),
    ],
)
def test_what_is_longer_is_refused(shared: Served, path: str, field: str, more: object) -> None:
    desk: Desk = shared.operator
    route = path.replace("BFC22", "{programme}")
    example = OPERATIONS[f"POST {route}"]["requestBody"]["content"]["application/json"]
    body = {**example["example"], "command_id": new_id(), field: more}
    before = shared.log_size()

    assert refused(desk.http.post(path, json=body), 422) == "invalid"
    assert shared.log_size() == before
