"""The ledger's time on one host: never behind the log's, never far ahead of the database's.

A clock that is ahead of the database's decides nothing: what it refused as expired would be so for
all others, whose time never goes back behind the log's.
"""

import logging
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from ledger.log.rows import Head
from ledger.values.clock import Clock, instant_of, minute_of

LATEST: Final = 5  # minutes that a clock may be behind the log's before somebody should look
REMIND_AFTER: Final = 60.0  # seconds from one such message to the next

_log = logging.getLogger(__name__)


class ClockAheadError(Exception):
    """Nothing may be decided by this host's clock. Nothing was done."""


class LedgerTime:
    """The ledger's time by this host's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reminder = Reminder()

    def host(self) -> datetime:
        """What the host's clock shows. A demo's ledger lives at another time."""
        return self._clock.now()

    def after(self, head: Head, offset: timedelta) -> datetime:
        """The ledger's time, `offset` from the host's, and never behind the log's.

        Raises:
            ClockAheadError: our clock is far ahead of the database's.
        """
        clock = self._clock.now()
        if head.is_behind(minute_of(clock)):
            raise ClockAheadError(
                f"this host's clock is {minute_of(clock) - head.now} minutes ahead of the"
                " database's: set the one that is wrong; until then nothing is decided here"
            )
        own = clock + offset
        behind = head.minute - minute_of(own)
        if behind > LATEST:  # it works, under the lock: slowly
            self._reminder.tell(
                "behind",
                f"the log is {behind} minutes ahead of this host's clock: set this clock, or the"
                " one that was ahead; until time has caught up every batch waits for the head's"
                " lock",
            )
        return max(own, instant_of(head.minute))


class Reminder:
    """Tells whoever runs this host what is wrong with it, now and then and not each time."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def tell(self, about: str, what: str) -> None:
        """Log an error, unless there was one about the same just before.

        Not the same words: they have positions and minutes in them, which go on meanwhile.
        """
        now = monotonic()
        if now >= self._next.get(about, 0.0):
            self._next[about] = now + REMIND_AFTER
            _log.error(what)
