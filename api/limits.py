"""Limits: how often somebody may ask, and what guessing costs them.

Kept in memory, per process: a limit that a second host would double is still a limit. The log keeps
the commands that were refused, a claim with an invented code among them. What is no command is
kept nowhere: a wrong token or signature, an invented invitation, a malformed code, a check.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from time import monotonic
from typing import Final

from api.problems import RETRY_AFTER, ProblemError, problem

CHECKS_A_SECOND: Final = 5.0
CHECKS_AT_ONCE: Final = 20.0
# Unknown codes of a device, before it has to wait, and how fast it is trusted again. What it has
# under way is decided together and may all be wrong: it waits for all of that afterwards, for
# `LONGEST_WAIT` at most. So it may show as many as it has places every ten minutes, for which a
# code's 35 secret bits are far too many.
GUESSES_AT_ONCE: Final = 10.0
GUESSES_A_SECOND: Final = 1 / 6
# Each refusal is kept for good. A day's tickets of a venue that lost its qualification fit in.
REFUSALS_AT_ONCE: Final = 1_000.0
REFUSALS_A_SECOND: Final = 1.0
PLACES: Final = 1_000  # claims and other requests that one device may have under way: two batches
# Of one address, behind which there may be all the devices of a town. What they would have to guess
# is too long for it. Each guess is looked up all the same; only enrolments are refused before.
FAILURES_AT_ONCE: Final = 200.0
FAILURES_A_SECOND: Final = 5.0
LONGEST_WAIT: Final = 600.0  # seconds: no slip keeps an honest device out for longer
_REMEMBERED: Final = 50_000  # devices or addresses
# What is answered to a guess, and to a device that was revoked. Other refusals say that the secret
# was right.
_FAILURES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Limit:
    """A token bucket for each key."""

    def __init__(self, a_second: float, at_once: float) -> None:
        self._a_second = a_second
        self._at_once = at_once
        self._least = 1.0 - LONGEST_WAIT * a_second
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str) -> None:
        """Take a token.

        Raises:
            ProblemError: there is none; it says when there will be.
        """
        self.require(key)
        self.charge(key)

    def require(self, key: str) -> None:
        """Go on only if there is a token. Unknown keys have all of theirs.

        Raises:
            ProblemError: there is none; it says when there will be.
        """
        if key in self._buckets and (seconds := self._wait(key)):
            raise ProblemError(problem("too-many-requests"), {"retry-after": str(seconds)})

    def charge(self, key: str) -> None:
        """Take a token, there or not. What is owed is waited for as well, up to ten minutes."""
        bucket = self._filled(key)
        bucket.tokens = max(bucket.tokens - 1.0, self._least)

    @contextmanager
    def failures(self, key: str) -> Iterator[None]:
        """A block that takes a token if it ends with the answer to a guess.

        Whoever proves who they are needs none: others may have failed under the same key.

        Raises:
            ProblemError: there was none for the answer; it says when there will be.
        """
        try:
            yield
        except ProblemError as e:
            if e.problem.status in _FAILURES:
                self.take(key)
            raise

    def _wait(self, key: str) -> int:
        """Whole seconds until there is a token."""
        missing = 1.0 - self._filled(key).tokens
        return ceil(missing / self._a_second) if missing > 0 else 0

    def _filled(self, key: str) -> _Bucket:
        now = monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._at_once, now)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)  # who goes on failing is not the first to be forgotten
        bucket.tokens = min(
            self._at_once, bucket.tokens + (now - bucket.filled_at) * self._a_second
        )
        bucket.filled_at = now
        return bucket


class Places:
    """How much each key has under way, so that none can fill the queue that all share."""

    def __init__(self, most: int = PLACES) -> None:
        self._most = most
        self._held: dict[str, int] = {}

    def take(self, key: str, places: int = 1) -> None:
        """Hold places for a key. Who did gives them back.

        Raises:
            ProblemError: there aren't as many.
        """
        held = self._held.get(key, 0) + places
        if held > self._most:
            raise ProblemError(problem("too-many-requests"), {"retry-after": str(RETRY_AFTER)})
        self._held[key] = held

    def give_back(self, key: str, places: int = 1) -> None:
        """Hold them no more."""
        left = self._held[key] - places
        if left:
            self._held[key] = left
        else:
            del self._held[key]


def check_limit() -> Limit:
    """How often a device may look without taking."""
    return Limit(CHECKS_A_SECOND, CHECKS_AT_ONCE)


def guess_limit() -> Limit:
    """How many unknown codes a device may show."""
    return Limit(GUESSES_A_SECOND, GUESSES_AT_ONCE)


def refusal_limit() -> Limit:
    """How many refusals a device may bring about."""
    return Limit(REFUSALS_A_SECOND, REFUSALS_AT_ONCE)


def failure_limit() -> Limit:
    """How often an address may fail to prove who asks."""
    return Limit(FAILURES_A_SECOND, FAILURES_AT_ONCE)
