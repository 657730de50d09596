"""How many wrong codes a device may show, however many it shows at a time.

Whether a code is known is decided together with others that are under way, so a limit that only
looked at those that were answered would let hundreds through at once. What a device has under way
is therefore no more than its limit allows if all of it is wrong: ten, and one more for each claim
that was newly granted since its last unknown code, up to `TRUSTED`. The others wait for their turn;
a device that works soon has whole batches under way.

So a device that redeems nothing shows `GUESSES_AT_ONCE` unknown codes and then one every six
seconds, whether it sends them singly, side by side or in batches. With n claims granted before, at
most `TRUSTED`, it may show n more, once, and waits for each of them as long as for any other.
"""

from asyncio import Event
from collections.abc import Sequence
from typing import Final

from api.contract import LARGEST_BATCH
from api.limits import GUESSES_A_SECOND, GUESSES_AT_ONCE, LONGEST_WAIT, Limit, guess_limit

TRUSTED: Final = int(LONGEST_WAIT * GUESSES_A_SECOND)  # more would not be waited for in full


class Guesses:
    """Those of all devices. Only enrolled ones get here, so there is no end of them to fear."""

    def __init__(self) -> None:
        self._limit = guess_limit()
        self._devices: dict[str, DeviceGuesses] = {}

    def of(self, terminal: str) -> "DeviceGuesses":
        """Those of one device."""
        found = self._devices.get(terminal)
        if found is None:
            found = self._devices[terminal] = DeviceGuesses(self._limit, terminal)
        return found


class DeviceGuesses:
    """What one device has under way, and what it has got wrong."""

    def __init__(self, limit: Limit, terminal: str) -> None:
        self._limit = limit
        self._terminal = terminal
        self._under_way = 0
        self._granted = 0  # claims since the last unknown code, without retries
        self._released: Event | None = None  # while somebody waits for room
        # Whoever sends these again learns nothing: else a batch with more unknown codes than the
        # limit allows would never be answered.
        self._unknown: dict[tuple[str, ...], None] = {}

    def require(self) -> None:
        """Go on only if the device may show a code.

        Raises:
            ProblemError: it has shown too many that were wrong; it says for how long to wait.
        """
        self._limit.require(self._terminal)

    def take(self, wanted: int = 1) -> int:
        """Room for up to `wanted` claims, as far as there is any. Release it afterwards."""
        tokens = self._limit.left(self._terminal) if self._unknown else GUESSES_AT_ONCE
        if tokens < 1:
            return 0
        room = min(int(tokens) + self._granted - self._under_way, wanted)
        if room <= 0:
            return 0
        self._under_way += room
        return room

    async def wait(self, wanted: int = 1) -> int:
        """Take room once there is any: what is under way makes some.

        Raises:
            ProblemError: too many codes were wrong by now.
        """
        while not (room := self.take(wanted)):
            self.require()
            self._released = self._released or Event()
            await self._released.wait()
        return room

    def release(self, room: int) -> None:
        """Give room back to those who wait, once it is noted what became of the claims."""
        self._under_way -= room
        if self._released is not None:
            self._released.set()
            self._released = None

    def note_granted(self, claims: int) -> None:
        """So many claims were taken; retries are none."""
        self._granted = min(self._granted + claims, TRUSTED)

    def note_unknown(self, asked: str, codes: Sequence[str]) -> None:
        """Of the codes that were shown under the id `asked`, one is unknown."""
        if self.is_repeated(asked, codes):
            return
        self._limit.charge(self._terminal)
        self._granted = 0
        self._unknown[asked, *codes] = None
        if len(self._unknown) > LARGEST_BATCH:
            del self._unknown[next(iter(self._unknown))]

    def is_repeated(self, asked: str, codes: Sequence[str]) -> bool:
        """Whether this very attempt was told before that a code is unknown."""
        return bool(self._unknown) and (asked, *codes) in self._unknown
