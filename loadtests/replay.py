"""The generator for a machine without wrk, run as a program.

Does what `replay.lua` does, and prints the same line of JSON. It reads no more
of an answer than its status and length.
"""

import json
import re
import selectors
import socket
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter_ns

SECOND_NS = 1_000_000_000
RECEIVE_BYTES = 65_536
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSING = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


def read_requests(path: Path) -> Iterator[bytes]:
    """Yield the records of a file made by `generator.write_requests`."""
    with path.open("rb") as file:
        while length := file.read(8):
            yield file.read(int(length))


class Connection:
    """One keep-alive connection, with at most one request in flight."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Connect at once.

        Raises:
            OSError: when nothing listens.

        """
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.busy = False
        self.sent_ns = 0
        self._received = b""

    def send(self, request: bytes) -> None:
        """Send a whole request; blocks only while the other side does not read."""
        self.busy, self._received = True, b""
        self.sent_ns = perf_counter_ns()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Read what arrived; return the status of the answer once it is whole.

        Raises:
            ConnectionError: when the other side has closed.

        """
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionResetError
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = LENGTH.search(self._received, 0, end)
        if len(self._received) < end + 4 + (int(length[1]) if length else 0):
            return None
        self.busy = False
        return int(self._received[9:12])

    @property
    def closing(self) -> bool:
        """Whether the answer said that it is the last on this connection."""
        return CLOSING.search(self._received) is not None


class Replay:
    """Keeps every connection busy until the requests or the time are over."""

    def __init__(self, address: tuple[str, int], requests: Iterator[bytes]) -> None:
        """Send nothing yet."""
        self._address = address
        self._requests = requests
        self._selector = selectors.DefaultSelector()
        self._deadline_ns = 0
        self.statuses: Counter[int] = Counter()
        self.broken = 0
        self.latencies_ns: list[int] = []
        self.seconds = 0.0

    def run(self, connections: int, seconds: int, grace_seconds: int) -> None:
        """Send for `seconds` at most; answers may take until `grace_seconds` later."""
        idle = [Connection(self._address) for _ in range(connections)]
        start_ns = last_ns = perf_counter_ns()
        self._deadline_ns = start_ns + seconds * SECOND_NS
        for connection in idle:
            self._send_next(connection)
        while self._selector.get_map():
            left_ns = self._deadline_ns + grace_seconds * SECOND_NS - perf_counter_ns()
            ready = self._selector.select(max(0, left_ns) / SECOND_NS)
            if not ready:  # the rest will never come
                self.broken += len(self._selector.get_map())
                break
            for key, _ in ready:
                self._receive(key.data)
            last_ns = perf_counter_ns()
        self.seconds = (last_ns - start_ns) / SECOND_NS

    def _receive(self, connection: Connection) -> None:
        try:
            status = connection.receive()
        except ConnectionError:
            self._break(connection)
            return
        if status is None:
            return
        self.statuses[status] += 1
        self.latencies_ns.append(perf_counter_ns() - connection.sent_ns)
        if connection.closing:
            self._reconnect(connection)
        else:
            self._send_next(connection)

    def _send_next(self, connection: Connection) -> None:
        """Send one more request, or retire the connection when there is none."""
        in_time = perf_counter_ns() < self._deadline_ns
        request = next(self._requests, None) if in_time else None
        if request is None:
            self._retire(connection)
            return
        try:
            connection.send(request)
        except ConnectionError:
            self._break(connection)
            return
        if connection.socket not in self._selector.get_map():
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _break(self, connection: Connection) -> None:
        self.broken += 1
        self._reconnect(connection)

    def _reconnect(self, connection: Connection) -> None:
        self._retire(connection)
        try:
            fresh = Connection(self._address)
        except OSError:  # the other connections may still be served
            return
        self._send_next(fresh)

    def _retire(self, connection: Connection) -> None:
        if connection.socket in self._selector.get_map():
            self._selector.unregister(connection.socket)
        connection.socket.close()


def percentile_ms(latencies_ns: Sequence[int], percent: int) -> float:
    """Return the latency that `percent` of the answers did not exceed."""
    if not latencies_ns:
        return 0.0
    ordered = sorted(latencies_ns)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1_000_000


def main(arguments: Sequence[str]) -> None:
    """Replay: AUTHORITY FILE CONNECTIONS SECONDS GRACE_SECONDS."""
    authority, path, *numbers = arguments
    host, _, port = authority.rpartition(":")
    replay = Replay((host, int(port)), read_requests(Path(path)))
    replay.run(*(int(number) for number in numbers))
    found = {
        "statuses": dict(replay.statuses),
        "broken": replay.broken,
        "seconds": replay.seconds,
        "p50_ms": percentile_ms(replay.latencies_ns, 50),
        "p99_ms": percentile_ms(replay.latencies_ns, 99),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
