"""Money is integer cents of a euro. Debit positive, credit negative."""

from collections.abc import Mapping
from typing import NewType

Cents = NewType("Cents", int)


def allocate(total: int, weights: Mapping[str, int]) -> dict[str, Cents]:
    """Split `total` cents by `weights` with largest remainders; the parts sum to `total`.

    Call it on *running cumulative totals* and take differences. Splitting every ticket instead
    drifts: 10 € over 300 000 / 136 620 / 628 300 charges one funder 259.83 € too much by the
    90 000th ticket. Ties go to the alphabetically first name, so the answer is reproducible.

    Raises:
        ValueError: no weight is positive, or one is negative, or `total` is negative.
    """
    whole = sum(weights.values())
    if total < 0 or whole <= 0 or min(weights.values()) < 0:
        raise ValueError(f"can't split {total} cents by {dict(weights)}")
    parts = {name: total * weight // whole for name, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda name: (-(total * weights[name] % whole), name))
    for name in by_remainder[: total - sum(parts.values())]:
        parts[name] += 1
    return {name: Cents(cents) for name, cents in parts.items()}
