"""The services to compare with, under the same load."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module

from loadtests.generator import drive
from loadtests.plan import CARNET_TICKETS
from loadtests.scratch import Scratch
from loadtests.serving import serving
from loadtests.wire import new_claim_id, unsigned_post

WARM_UP = 200  # carnets


class Comparison:
    """One of them, seeded and running."""

    def __init__(self, authority: str, carnets: int) -> None:
        """It has `carnets` to measure with, and some more to warm up with."""
        self._authority = authority
        self._carnets = carnets

    def warm_up(self) -> None:
        """Let it load what it loads late."""
        last = self._carnets + WARM_UP
        self._drive(range(self._carnets + 1, last + 1), 1, connections=64, seconds=5)

    def measure(self, ticket: int, *, connections: int, seconds: int) -> dict[str, float]:
        """Redeem `ticket` of its carnets, which nobody has done before."""
        numbers = range(1, self._carnets + 1)
        return self._drive(numbers, ticket, connections=connections, seconds=seconds)

    def _drive(
        self, carnets: Iterable[int], ticket: int, *, connections: int, seconds: int
    ) -> dict[str, float]:
        requests = (
            unsigned_post(
                self._authority,
                "/redemptions",
                b'{"claim_id":"%b","carnet":"BFC22-%07d","ticket":%d,"venue":"21250050000005"}'
                % (new_claim_id(0).encode(), number, ticket),
            )
            for number in carnets
        )
        result = drive(self._authority, requests, connections=connections, seconds=seconds)
        return {
            "rps": result.rps,
            "p50_ms": result.p50_ms,
            "p99_ms": result.p99_ms,
            **result.machine,
        }


@contextmanager
def comparison(name: str, ledger: Scratch, carnets: int, workers: int = 1) -> Iterator[Comparison]:
    """Seed and run the module of this name, on the ledger's server, for the length of a block."""
    # Imported here: they need a framework, which every process that we start would load, too.
    module, database = import_module(f"loadtests.{name}"), ledger.database.owner
    module.seed(database, carnets + WARM_UP, CARNET_TICKETS)
    environment = {"LOADTEST_DATABASE": database}
    with serving(f"{module.__name__}:create_app", environment, workers) as authority:
        yield Comparison(authority, carnets)
