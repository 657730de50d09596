"""An afternoon at the tills: every claim is sent until it has an answer, over open connections.

One thread and one selector: the clients share two cores with the service that they ask.
"""

import json
import selectors
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Final

from scripts.common.ending import CommandError, Exit
from scripts.demonstration.till import Claim, Till

CONNECTIONS: Final = 4  # a till
SILENCE: Final = 60.0  # seconds without any answer, after which nobody is there
TELL_EVERY: Final = 100  # answers: a bar that moves costs as much as a claim
AGAIN: Final = 503
CREATED: Final = 201

Advance = Callable[[int], None]


@dataclass
class Answers:
    """What came back."""

    answered: int = 0
    claims: int = 0  # that were taken
    tickets: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # by reason
    asked_again: int = 0  # no answer, or one that says to
    seconds: float = 0.0


class Connection:
    """An open connection of a till, with a claim under way or none."""

    def __init__(self, till: Till, waiting: deque[Claim]) -> None:
        self.till = till
        self.waiting = waiting  # shared with the till's other connections
        self.claim: Claim | None = None
        self._received = b""
        host, _, port = till.authority.rpartition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_next(self) -> bool:
        """Send a claim; False when there is none left."""
        if not self.waiting:
            return False
        self.claim = self.waiting.popleft()
        self.socket.sendall(self.till.request(self.claim))
        return True

    def receive(self) -> tuple[int, bytes] | None:
        """Status and body, once they are whole.

        Raises:
            ConnectionError: the other side has gone.
        """
        part = self.socket.recv(65_536)
        if not part:
            raise ConnectionResetError
        self._received += part
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self._received = b""
        return int(head[9:12]), body

    def give_back(self) -> None:
        """No answer: the claim goes again, with the id that it has."""
        self.socket.close()
        if self.claim is not None:
            self.waiting.append(self.claim)


def redeem(work: Iterable[tuple[Till, deque[Claim]]], advance: Advance) -> Answers:
    """Have every till redeem its claims.

    Raises:
        CommandError: the service stopped answering.
    """
    answers = Answers()
    selector = selectors.DefaultSelector()
    began = monotonic()
    for till, waiting in work:
        for _ in range(CONNECTIONS):
            _open(selector, till, waiting)
    last = monotonic()
    while selector.get_map():
        ready = selector.select(SILENCE)
        if not ready and monotonic() - last > SILENCE:
            raise CommandError("The service has stopped answering.", "", Exit.UNAVAILABLE)
        last = monotonic()
        for key, _ in ready:
            _go_on(selector, key.data, answers, advance)
    answers.seconds = monotonic() - began
    advance(answers.answered % TELL_EVERY)
    selector.close()
    return answers


def _open(selector: selectors.BaseSelector, till: Till, waiting: deque[Claim]) -> None:
    connection = Connection(till, waiting)
    if connection.send_next():
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    else:
        connection.socket.close()


def _go_on(
    selector: selectors.BaseSelector, connection: Connection, answers: Answers, advance: Advance
) -> None:
    try:
        answer = connection.receive()
        if answer is None:
            return
        _note(connection, *answer, answers, advance)
        if connection.send_next():
            return
    except OSError:
        answers.asked_again += 1
        selector.unregister(connection.socket)
        connection.give_back()
        _open(selector, connection.till, connection.waiting)
        return
    selector.unregister(connection.socket)
    connection.socket.close()


def _note(
    connection: Connection, status: int, body: bytes, answers: Answers, advance: Advance
) -> None:
    claim, connection.claim = connection.claim, None
    if claim is None:
        raise ValueError("an answer that nobody asked for")
    if status == AGAIN:
        answers.asked_again += 1
        connection.waiting.append(claim)
        sleep(0.05)
        return
    answers.answered += 1
    if answers.answered % TELL_EVERY == 0:
        advance(TELL_EVERY)
    if status // 100 == CREATED // 100:
        answers.claims += 1
        answers.tickets += len(claim.codes)
    else:
        answers.refused[str(json.loads(body)["reason"])] += 1
