"""Ledgers on real data folders, whose database is up, so that commands attach in no time."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from ledger.postgres import Database, open_database
from ledger.settings import Settings
from scripts.demonstration.clock import DemoClock
from scripts.demonstration.playing import begin
from scripts.stock.printing import read_print
from tests.postgres_fixtures import QUICK
from tests.scripts.ordering import STOCK, order
from tests.scripts.running import Souche

FAST = {**QUICK, "shared_buffers": "32MB"}
NUMBERS = count(1)
POINT = "ml-belrive"
VENUE = "99900001100018"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller's environment says of another ledger stays out."""
    for name in ("SOUCHE_TOKEN", "SOUCHE_DATABASE_URL", "SOUCHE_HOST", "SOUCHE_PORT", "SOUCHE_RUN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def new_data(server_folder: Path) -> Callable[[], Path]:
    """Makes the name of a data folder, with a space in it, that isn't there yet."""
    return lambda: server_folder / f"a ledger {next(NUMBERS)}"


@pytest.fixture(scope="session")
def empty(new_data: Callable[[], Path]) -> Path:
    """A data folder whose database was started once, and stopped. No ledger has begun in it."""
    data = new_data()
    with open_database(data, settings=FAST):
        return data


@pytest.fixture(scope="session")
def new_empty(empty: Path, new_data: Callable[[], Path]) -> Callable[[], Path]:
    """Makes copies of it: initdb and the migrations take longer than all that comes after."""

    def make() -> Path:
        data = new_data()
        subprocess.run(["/bin/cp", "-a", empty, data], check=True)
        return data

    return make


@pytest.fixture(scope="module")
def database(new_empty: Callable[[], Path]) -> Iterator[tuple[Path, Database]]:
    """A demo's ledger in the spring of 2022, when the presets' tickets are good."""
    data = new_empty()
    with open_database(data, settings=FAST) as found:
        begin(Settings(data=data), found, DemoClock())
        (data / "print").mkdir()
        yield data, found


@pytest.fixture(scope="module")
def souche(database: tuple[Path, Database]) -> Souche:
    """The command line on that ledger."""
    return Souche(database[0])


@pytest.fixture(scope="module")
def ordered(souche: Souche) -> Souche:
    """With a programme, paid for, and an order of 1 000 carnets."""
    souche.do("programme", "preset", "bfc22", "--open")
    souche.do("holder", "register", STOCK, "Région, réserve de titres")
    souche.do("holder", "register", POINT, "Mission locale de Belrive")
    souche.do(
        *("programme", "fund", "BFC22", "2022", "cash", "VIR-1"),
        *("region-bfc=25000.00", "anct=25000"),
    )
    souche.do(
        *("order", "create", "bfc22", "first", "--millesime", "2022"),
        *("--carnets", "1000", "--size", "5", "--holder", STOCK),
    )
    return souche


@pytest.fixture(scope="module")
def roomy(ordered: Souche) -> Souche:
    """With a programme that has room for more orders, and one without a cap."""
    ordered.do("programme", "preset", "av12", "--open")
    ordered.do("programme", "preset", "ca62", "--open")
    return ordered


@pytest.fixture
def small(roomy: Souche) -> tuple[Souche, str]:
    """An order of five carnets, of its own."""
    name = f"small-{time.monotonic_ns()}"
    order(roomy, name, 5)
    return roomy, name


@pytest.fixture(scope="module")
def issued(roomy: Souche) -> Souche:
    """With an order that is complete: done."""
    order(roomy, "done", 5)
    path = roomy.data / "print" / "done"
    roomy.do("order", "issue", "AV12", "done", "--to", str(path))
    return roomy


@pytest.fixture(scope="module")
def handed_out(ordered: Souche) -> dict[str, tuple[str, ...]]:
    """With 20 carnets in people's hands: their codes."""
    path = ordered.data / "print" / "first.jsonl"
    ordered.do("order", "issue", "BFC22", "first", "--to", str(path))
    ordered.do("order", "activate", "BFC22", "first")
    ordered.do("order", "transfer", "BFC22", "first", "--to", POINT, "--count", "100")
    ordered.do("order", "assign", "BFC22", "first", "--holder", POINT, "--count", "20")
    codes = read_print(path)
    return {carnet: codes[carnet] for carnet in list(codes)[:20]}


@pytest.fixture(scope="module")
def venue(souche: Souche) -> str:
    """A venue that is qualified."""
    souche.do(
        *("venue", "register", VENUE, "Médiathèque de Montsauvy"),
        *("--region", "27", "--department", "21"),
    )
    souche.do("venue", "qualify", VENUE, "--from", "2022-01-01", "--authority", "Préfet")
    return VENUE


def free_port() -> int:
    """A port that nobody listens on, just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def souche_nowhere(tmp_path: Path) -> Souche:
    """The command line on a folder that isn't there."""
    return Souche(tmp_path / "nowhere")
