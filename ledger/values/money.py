"""Money is integer cents of a euro. Debit positive, credit negative."""

from collections.abc import Mapping
from typing import Final, NewType

Cents = NewType("Cents", int)

# Read models sum in bigints, which end at 9.2 × 10^18. All that is funded is sums of entries, of
# which 9 million of the largest fit. What circulates, is redeemed and is paid is covered by them,
# but that a ticket may be redeemed and voided thirty times: 290 000 still fit. What is ordered is
# covered by nothing: 9 999 999 carnets of 99 of the dearest tickets are 10^15 in a programme.
LARGEST_AMOUNT: Final = 10**12  # cents of an entry, of all its funders: ten thousand million euros
LARGEST_FACE_VALUE: Final = 10**6  # cents of a ticket: ten thousand euros


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
