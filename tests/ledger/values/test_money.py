from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.values.money import allocate

AVEYRON = {"département": 300_000, "epci": 136_620, "état": 628_300}

weights = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10**9), min_size=1).filter(
    lambda drawn: any(drawn.values())
)


@given(total=st.integers(0, 10**12), weights=weights)
def test_the_parts_sum_to_the_total_and_are_within_a_cent(
    total: int, weights: dict[str, int]
) -> None:
    parts = allocate(total, weights)

    assert sum(parts.values()) == total
    for name, weight in weights.items():
        assert abs(parts[name] - Fraction(total * weight, sum(weights.values()))) < 1


@given(total=st.integers(0, 10**6), weights=weights)
def test_the_order_of_the_names_does_not_matter(total: int, weights: dict[str, int]) -> None:
    assert allocate(total, weights) == allocate(total, dict(reversed(weights.items())))


def test_the_odd_cent_goes_to_the_largest_remainder_then_to_the_first_name() -> None:
    assert allocate(100, {"c": 1, "b": 1, "a": 1}) == {"a": 34, "b": 33, "c": 33}
    assert allocate(10, {"a": 1, "b": 2}) == {"a": 3, "b": 7}


def test_nobody_pays_without_a_weight() -> None:
    assert allocate(1001, {"a": 0, "b": 1}) == {"a": 0, "b": 1001}


def test_a_ticket_split_alone_drifts_and_cumulative_totals_do_not() -> None:
    """E17: 90 000 tickets of 10 €, split by the funders' parts of Aveyron's budget."""
    tickets = 90_000
    alone = {name: part * tickets for name, part in allocate(1000, AVEYRON).items()}
    charged: Counter[str] = Counter()
    for ticket in range(1, tickets + 1):
        after = allocate(1000 * ticket, AVEYRON)
        charged.update({name: after[name] - charged[name] for name in after})

    fair = allocate(1000 * tickets, AVEYRON)
    assert alone["département"] - fair["département"] == 259_83
    assert fair["epci"] - alone["epci"] == 262_20
    assert charged == fair


@pytest.mark.parametrize(
    ("total", "weights"),
    [(-1, {"a": 1}), (1, {}), (1, {"a": 0}), (1, {"a": 2, "b": -1})],
)
def test_what_can_not_be_split_is_refused(total: int, weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="can't split"):
        allocate(total, weights)
