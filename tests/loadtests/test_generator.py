import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests.generator import Generator, GeneratorError, LoadResult, drive, write_requests
from loadtests.replay import percentile_ms
from loadtests.wire import unsigned_post

GENERATORS = [
    pytest.param(
        Generator.WRK,
        marks=pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed"),
    ),
    Generator.SOCKETS,
]


class Handler(BaseHTTPRequestHandler):
    """Does what the first word of the body says, and remembers the body."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    received: list[str]  # each server's own

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.received.append(body)
        word = body.split()[0]
        if word == "break":
            self.close_connection = True
            return
        self.send_response(HTTPStatus.CONFLICT if word == "refuse" else HTTPStatus.CREATED)
        if word == "close":
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class TinyServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        self.received: list[str] = []
        handler = type("OwnHandler", (Handler,), {"received": self.received})
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[TinyServer]:
    with TinyServer() as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def requests(server: TinyServer, bodies: list[str]) -> list[bytes]:
    return [unsigned_post(server.authority, "/", body.encode()) for body in bodies]


def run(server: TinyServer, generator: Generator, bodies: list[str]) -> LoadResult:
    return drive(
        server.authority,
        requests(server, bodies),
        connections=4,
        seconds=5,
        generator=generator,
    )


@pytest.mark.parametrize("generator", GENERATORS)
def test_each_request_is_sent_once_and_the_run_ends_with_the_requests(
    server: TinyServer, generator: Generator
) -> None:
    bodies = [f"redeem {n}" for n in range(500)]

    result = run(server, generator, bodies)

    assert sorted(server.received) == sorted(bodies)
    assert result.statuses == Counter({201: 500})
    assert result.broken == 0
    assert 0 < result.seconds < 4
    assert result.rps == pytest.approx(500 / result.seconds)


@pytest.mark.parametrize("generator", GENERATORS)
def test_refusals_and_broken_connections_are_counted_and_are_no_success(
    server: TinyServer, generator: Generator
) -> None:
    words = ["redeem"] * 300 + ["refuse"] * 40 + ["close"] * 30 + ["break"] * 20
    bodies = [f"{words[n * 7 % 390]} {n}" for n in range(390)]

    result = run(server, generator, bodies)

    assert sorted(server.received) == sorted(bodies)
    assert result.statuses == Counter({201: 330, 409: 40})
    assert result.broken == 20
    assert result.succeeded == 330


@pytest.mark.parametrize("generator", GENERATORS)
def test_when_the_time_is_over_all_that_was_sent_has_its_answer(
    server: TinyServer, generator: Generator
) -> None:
    bodies = [f"redeem {n}" for n in range(60_000)]

    result = drive(
        server.authority,
        requests(server, bodies),
        connections=4,
        seconds=1,
        generator=generator,
    )

    assert 1 <= result.seconds < 3
    assert 0 < result.succeeded < 60_000
    assert sorted(server.received) == sorted(bodies[: result.succeeded])


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_generator_says_what_it_is_what_it_took_and_how_long_an_answer_takes(
    server: TinyServer, generator: Generator
) -> None:
    result = run(server, generator, [f"redeem {n}" for n in range(200)])

    assert result.generator is generator
    assert result.cpu_seconds > 0
    assert 0 < result.p50_ms <= result.p99_ms < 1000


@pytest.mark.parametrize("generator", GENERATORS)
def test_large_requests_come_whole(server: TinyServer, generator: Generator) -> None:
    """A batch of claims is larger than what is read or written at once."""
    bodies = [f"redeem {n} {'x' * 300_000}" for n in range(20)]

    result = run(server, generator, bodies)

    assert result.statuses == Counter({201: 20})
    assert sorted(server.received) == sorted(bodies)


@pytest.mark.parametrize("generator", GENERATORS)
def test_nobody_listening_is_an_error(generator: Generator, tmp_path: Path) -> None:
    with TinyServer() as gone:
        authority = gone.authority
    file = tmp_path / "requests"
    write_requests(file, [unsigned_post(authority, "/", b"redeem")])

    with pytest.raises(GeneratorError):
        drive(authority, file, connections=1, seconds=1, generator=generator)


def test_a_percentile_is_a_latency_that_was_measured() -> None:
    latencies = [n * 1_000_000 for n in range(100, 0, -1)]

    assert percentile_ms(latencies, 50) == 51
    assert percentile_ms(latencies, 99) == 100
    assert percentile_ms([], 99) == 0
