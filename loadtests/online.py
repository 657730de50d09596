"""The service under load: rates, latencies, and where the processor's time went."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString

import psycopg

from loadtests.generator import LoadResult, drive, write_requests
from loadtests.processor import cpu_seconds, family_cpu_seconds
from loadtests.scratch import Scratch
from loadtests.service import Service

Figures = dict[str, float]


class UnaccountedError(RuntimeError):
    """The log did not grow by what was acknowledged: no rate can be believed."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Measures one service of a ledger."""

    ledger: Scratch
    service: Service

    def measure(
        self, requests: Iterable[bytes], *, connections: int, seconds: int, claims: int = 1
    ) -> Figures:
        """Send requests of `claims` claims each, which must all be new and right.

        Raises:
            UnaccountedError: the answers and the log differ.

        """
        path = self.ledger.folder / "requests"
        write_requests(path, requests)
        size, before, began = self.log_size(), self._cpu(), time.monotonic()
        result = drive(self.service.authority, path, connections=connections, seconds=seconds)
        after, wall = self._cpu(), time.monotonic() - began
        redeemed = self.log_size() - size
        asked = sum(result.statuses.values())
        if result.broken or not asked or redeemed != asked * claims:
            raise UnaccountedError(
                f"{redeemed} redeemed, {result.broken} broken, answers {dict(result.statuses)}"
            )
        return _figures(result, redeemed, [b - a for a, b in zip(before, after, strict=True)], wall)

    def _cpu(self) -> list[float]:
        """Of the service, and of the database where it is ours."""
        server = self.ledger.server
        database = family_cpu_seconds(server.pid) if server and server.pid else 0.0
        return [sum(map(cpu_seconds, self.service.pids)), database]

    def log_size(self) -> int:
        """The number of events."""
        return self._number("SELECT size FROM log_head")

    def log_bytes(self) -> int:
        """What they take on disk, indexes included."""
        return self._number("SELECT pg_total_relation_size('events')")

    def _number(self, query: LiteralString) -> int:
        with psycopg.connect(self.ledger.database.owner) as connection:
            row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0


def _figures(result: LoadResult, redeemed: int, cpu: list[float], wall: float) -> Figures:
    service, database = cpu
    used = service + database + result.cpu_seconds
    return {
        "rps": result.rps,
        "p50_ms": result.p50_ms,
        "p99_ms": result.p99_ms,
        "claims_per_second": redeemed / result.seconds,
        "service_us": service / redeemed * 1e6,
        "database_us": database / redeemed * 1e6,
        "generator_us": result.cpu_seconds / redeemed * 1e6,
        "cores_used": used / wall,
        **result.machine,
    }
