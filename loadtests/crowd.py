"""Terminals at work, a thread each, until they are told to stop or the tickets are gone."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

from loadtests.history import History
from loadtests.seeded import Device
from loadtests.till import Answer, Till

TIMEOUT = 10  # seconds without an answer, after which a terminal asks again
PATIENCE = 120  # seconds for the last answers


class CrowdError(RuntimeError):
    """Terminals still wait for an answer, or have broken."""


class Tickets:
    """Codes, a carnet at a time, handed out once."""

    def __init__(self, carnets: Iterable[str]) -> None:
        """`carnets` are lines of codes."""
        self._carnets = iter(carnets)
        self._lock = threading.Lock()

    def next_carnet(self) -> list[str]:
        """The codes of the next carnet; none when there is none left."""
        with self._lock:
            return next(self._carnets, "").split()


class Crowd:
    """One terminal a device, all at the same service."""

    def __init__(
        self, authority: str, devices: Sequence[Device], tickets: Tickets, history: History
    ) -> None:
        """They begin with `start`."""
        self._tickets = tickets
        self._over = threading.Event()
        self._failures: list[BaseException] = []
        self._authority = authority
        self._history = history
        self._threads = [
            threading.Thread(target=self._work, args=(device,), daemon=True) for device in devices
        ]
        self.size = len(devices)
        self.acknowledged = 0  # about: without a lock, one may be missed

    def start(self) -> None:
        """Let them begin."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Let each get its last answer.

        Raises:
            CrowdError: one of them does not.
        """
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        if self._failures:
            raise CrowdError("a terminal broke") from self._failures[0]
        if any(thread.is_alive() for thread in self._threads):
            raise CrowdError(f"no answer for {PATIENCE} s")

    def _work(self, device: Device) -> None:
        line = Line(self._authority)
        till = Till(device, self._authority, line.send, self._history)
        try:
            while not self._over.is_set() and (codes := self._tickets.next_carnet()):
                self._use_up(till, codes)
        except Exception as e:  # noqa: BLE001 - `finish` raises it
            self._failures.append(e)
        finally:
            line.close()

    def _use_up(self, till: Till, codes: list[str]) -> None:
        for code in codes:
            if self._over.is_set():
                return
            if till.redeem([code]):
                self.acknowledged += 1


class Line:
    """A keep-alive connection that is made anew when it breaks."""

    def __init__(self, authority: str) -> None:
        """Connect at the first request."""
        self._connection = HTTPConnection(authority, timeout=TIMEOUT)

    def send(self, path: str, body: bytes, headers: dict[str, str], _: str) -> Answer:
        """Ask once."""
        try:
            self._connection.request("POST", path, body, headers)
            response = self._connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, HTTPException):
            self.close()
            return Answer(0, b"")

    def close(self) -> None:
        """Hang up; the next request connects again."""
        self._connection.close()


@contextmanager
def at_work(crowd: Crowd) -> Iterator[Crowd]:
    """Let them work for the length of a block, and have their last answers."""
    crowd.start()
    yield crowd
    crowd.finish()
