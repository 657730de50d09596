"""A refusal as an ending."""

from collections.abc import Mapping
from datetime import UTC, datetime

from api.problems import problem_for
from ledger.values.reasons import Refusal
from scripts.common.ending import CommandError
from scripts.common.showing import euros, moment


class RefusedError(CommandError):
    """The ledger said no. Nothing of it was done."""

    def __init__(self, refusal: Refusal, advice: str = "") -> None:
        told = problem_for(refusal)
        detail = ", ".join(in_words(refusal.detail))
        super().__init__(f"Refused ({told.reason}): {told.title}.", advice or detail)
        self.refusal = refusal


def in_words(detail: Mapping[str, object]) -> list[str]:
    """What a refusal says of its case, a phrase each."""
    return [_told(name, value) for name, value in detail.items()]


def _told(name: str, value: object) -> str:
    if isinstance(value, int) and name.endswith("_cents"):
        return f"{name.removesuffix('_cents').replace('_', ' ')} {euros(value)}"
    match value:
        case int() if name.endswith("_at"):  # Unix seconds, as a device signed them
            value = moment(datetime.fromtimestamp(value, UTC))
        case str() if name.endswith("_at"):
            value = moment(datetime.fromisoformat(value))
        case list():
            value = ", ".join(map(str, value))
        case _:
            pass
    return f"{name.replace('_', ' ')} {value}"
