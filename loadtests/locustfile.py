"""Terminals for locust: they redeem, lose answers, mistype, change their minds. See `load.py`.

Reads from the environment which ledger was seeded and where to keep the history.
"""

import os
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from locust import FastHttpUser, constant_throughput, events, task
from locust.exception import StopUser

from loadtests.crowd import Tickets
from loadtests.history import History
from loadtests.seeded import Device, read_seeded
from loadtests.till import Answer, Till, other_code

ACTS_A_SECOND = 10  # of a terminal; far more than a person behind a counter
GUESSES_EVERY = 10  # seconds: who guesses more often is slowed down, as it should be
LAST_ACTS = 20  # seconds

seeded = read_seeded(Path(os.environ["LOADTEST_SEEDED"]))
devices: Iterator[Device] = iter(seeded.devices)
tickets = Tickets(seeded.carnets)
history = History(Path(os.environ["LOADTEST_HISTORY"]))
over = Event()


class UnexpectedAnswerError(Exception):
    """Locust counts it, and fails."""


def act(weight: int) -> Callable[[Callable[["Terminal"], None]], Callable[["Terminal"], None]]:
    """A task that is carried out to its end: locust by itself may cut one off that just began."""

    def whole(method: Callable[["Terminal"], None]) -> Callable[["Terminal"], None]:
        def carry_out(self: "Terminal") -> None:
            if over.is_set():
                raise StopUser
            Terminal.busy += 1
            try:
                method(self)
            finally:
                Terminal.busy -= 1

        return task(weight)(carry_out)

    return whole


class Terminal(FastHttpUser):
    """One device, with a carnet in its hand."""

    wait_time = constant_throughput(ACTS_A_SECOND)
    busy = 0  # terminals in the middle of an act

    def on_start(self) -> None:
        """Take a device of one's own."""
        device = next(devices, None)
        if device is None:
            raise StopUser
        self.till = Till(device, urlsplit(str(self.host)).netloc, self.send, history)
        self.codes: list[str] = []
        self.guessed_at = monotonic()

    @act(20)
    def redeem(self) -> None:
        """One ticket."""
        self.must(self.till.redeem(self.take(1)))

    @act(5)
    def redeem_two(self) -> None:
        """Two tickets of one carnet."""
        self.must(self.till.redeem(self.take(2)))

    @act(5)
    def forget_the_answer(self) -> None:
        """Send a claim again after it was answered."""
        self.must(self.till.redeem(self.take(1), twice=True))

    @act(3)
    def check(self) -> None:
        """Look before taking."""
        codes = self.take(1)
        self.till.check(codes)
        self.codes += codes

    @act(2)
    def void(self) -> None:
        """Redeem, take it back, and redeem the same ticket in another claim."""
        codes = self.take(1)
        claim = self.till.redeem(codes)
        self.must(claim)
        self.must(self.till.void(str(claim), codes))
        self.must(self.till.redeem(codes))

    @act(2)
    def redeem_again(self) -> None:
        """A ticket that is gone, in a claim of its own."""
        codes = self.take(1)
        self.must(self.till.redeem(codes))
        self.must(not self.till.redeem(codes))

    @act(1)
    def guess(self) -> None:
        """A code that looks right and opens nothing."""
        if monotonic() - self.guessed_at < GUESSES_EVERY:
            return
        self.guessed_at = monotonic()
        (code,) = self.take(1)
        self.must(not self.till.redeem([other_code(code)]))
        self.codes.append(code)

    def take(self, count: int) -> list[str]:
        """Tickets of one carnet; a rest that is too small is kept by its holder."""
        if len(self.codes) < count:
            self.codes = tickets.next_carnet()
            if not self.codes:
                raise StopUser
        taken, self.codes = self.codes[:count], self.codes[count:]
        return taken

    def must(self, expected: object) -> None:
        """Fail unless the answer was the one that it has to be."""
        if not expected:
            raise UnexpectedAnswerError

    def send(self, path: str, body: bytes, headers: dict[str, str], name: str) -> Answer:
        """Ask once. A refusal is an answer; what locust counts as failed has none."""
        with self.client.post(
            path, data=body.decode(), headers=headers, name=name, catch_response=True
        ) as response:
            if HTTPStatus.OK <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                response.success()
            return Answer(response.status_code, response.content or b"")


def finish_acts(**_: Any) -> None:  # noqa: ANN401 (locust passes what it likes)
    """Begin nothing new, and wait for what has begun."""
    over.set()
    until = monotonic() + LAST_ACTS
    while Terminal.busy and monotonic() < until:
        sleep(0.01)


def close_history(**_: Any) -> None:  # noqa: ANN401 (locust passes what it likes)
    """Keep the last lines, too."""
    history.close()


events.test_stopping.add_listener(finish_acts)  # type: ignore[no-untyped-call]
events.quitting.add_listener(close_history)  # type: ignore[no-untyped-call]
