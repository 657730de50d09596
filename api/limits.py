"""Limits for one terminal: how often it may ask, and what guessing costs it.

Kept in memory, per process: a limit that a second host would double is still a limit, and the log
keeps every refused attempt.
"""

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from typing import Final

CHECKS_A_SECOND: Final = 5.0
CHECKS_AT_ONCE: Final = 20.0
GUESSES_AT_ONCE: Final = 10.0  # unknown codes before a device is slowed down
GUESSES_A_SECOND: Final = 1 / 6  # and how fast it is trusted again
_REMEMBERED: Final = 50_000  # devices


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Limit:
    """A token bucket for each key."""

    def __init__(self, a_second: float, at_once: float) -> None:
        self._a_second = a_second
        self._at_once = at_once
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, tokens: float = 1.0) -> bool:
        """Take tokens if they are there, and say whether they were."""
        bucket = self._filled(key)
        if bucket.tokens < tokens:
            return False
        bucket.tokens -= tokens
        return True

    def charge(self, key: str, tokens: float = 1.0) -> None:
        """Take tokens, there or not. What is owed is waited for as well."""
        self._filled(key).tokens -= tokens

    def is_empty(self, key: str) -> bool:
        """Whether the next token has to be waited for. Unknown keys have all of theirs."""
        return key in self._buckets and self._filled(key).tokens < 1.0

    def _filled(self, key: str) -> _Bucket:
        now = monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._at_once, now)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        bucket.tokens = min(
            self._at_once, bucket.tokens + (now - bucket.filled_at) * self._a_second
        )
        bucket.filled_at = now
        return bucket


def check_limit() -> Limit:
    """How often a device may look without taking."""
    return Limit(CHECKS_A_SECOND, CHECKS_AT_ONCE)


def guess_limit() -> Limit:
    """How many unknown codes a device may show."""
    return Limit(GUESSES_A_SECOND, GUESSES_AT_ONCE)
