"""The bench's figures as medians with their spread, and as JSON."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from loadtests.generator import available_generator
from loadtests.measuring import Round

# The figures that come first in the bench's JSON, in this order.
NAMED = (
    "insert",
    "writer",
    "online",
    "online_followed",
    "batch",
    "afternoon",
    "textbook",
    "bytes_per_redemption",
    "lag_seconds",
)


def combined(rounds: Sequence[Any], by: Callable[[Iterable[float]], float]) -> Any:  # noqa: ANN401 (nested figures)
    """The figures of several rounds as one: the same names, `by` of their values."""
    first = rounds[0]
    if isinstance(first, dict):
        return {name: combined([each[name] for each in rounds], by) for name in first}
    return by(rounds)


def summary(rounds: Sequence[Round], cores: int, workers: int, seconds: float) -> dict[str, Any]:
    """What is written: the medians that are `NAMED`, then everything else."""
    medians = combined(rounds, median)
    return {
        "cores": cores,
        **{name: medians.pop(name) for name in NAMED if name in medians},
        **medians,
        "workers": workers,
        "generator": available_generator(),
        "seconds": seconds,
        "least": combined(rounds, min),
        "most": combined(rounds, max),
        "rounds": list(rounds),
    }


def write(path: Path, found: dict[str, Any]) -> None:
    """Write `summary` for other programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(found), indent=2) + "\n")


def _rounded(tree: Any) -> Any:  # noqa: ANN401 (nested figures)
    match tree:
        case dict():
            return {name: _rounded(value) for name, value in tree.items()}
        case list():
            return [_rounded(value) for value in tree]
        case float():
            return round(tree, 3)
        case _:
            return tree
