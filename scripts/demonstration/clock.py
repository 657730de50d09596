"""The demo's time. Its ledger says in its first fact by how much its clock is moved, for good."""

from datetime import UTC, datetime, timedelta
from typing import Final

from ledger.values.clock import real_now

# A Tuesday at nine in Paris: tickets of 2022 are valid, and those of 2021 expired six weeks ago.
TODAY: Final = datetime(2022, 3, 15, 8, tzinfo=UTC)
# Before: when the tickets of 2021 were still handed out.
LAST_YEAR: Final = datetime(2021, 11, 16, 8, tzinfo=UTC)


class DemoClock:
    """The machine's clock, moved. The ledger's own offset comes on top, once it has begun."""

    def __init__(self) -> None:
        """Begin last year."""
        self.offset: Final = TODAY - real_now()
        self._ahead = self.offset + (LAST_YEAR - TODAY)

    def now(self) -> datetime:
        return real_now() + self._ahead

    def begin(self) -> None:
        """From here on the ledger adds the offset: only what is left of it is ours."""
        self._ahead = LAST_YEAR - TODAY

    def come_to_today(self) -> None:
        """Time goes on to the day of the demo; it never goes back."""
        self._ahead = timedelta(0)
