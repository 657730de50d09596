"""Published rules as a table that people read."""

from collections.abc import Iterator

import msgspec

from ledger.facts import Rules
from ledger.presets.explaining import shown


def rows_of(rules: Rules) -> Iterator[tuple[str, str]]:
    """Every rule and its value; an entitlement has a row of its own."""
    told = msgspec.json.decode(msgspec.json.encode(rules))
    area, entitlements = told["acceptance"], told.pop("entitlements")
    told["acceptance"] = [area["kind"], *area["codes"]]
    for name, value in told.items():
        yield name, shown(name, value)
    for each in entitlements:
        conditions = {key: value for key, value in each.items() if value and key != "category"}
        words = (f"{key} {shown(key, value)}" for key, value in conditions.items())
        yield f"entitlements.{each['category']}", "; ".join(words)
