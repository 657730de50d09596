"""One service for the tests of a module, which share its ledger."""

from collections.abc import Iterator

import httpx
import pytest

from ledger.postgres import Database
from tests.api.device import Device
from tests.api.ledgers import AUTHORITY, Served, served
from tests.api.operating import (
    Stock,
    circulate,
    invite,
    make_stock,
    open_programme,
    open_venue,
    register_holders,
)


@pytest.fixture(scope="module")
def service(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A service on an empty ledger."""
    with served(module_database, tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture(scope="module")
def client(service: Served) -> Iterator[httpx.Client]:
    """Somebody without a token."""
    with httpx.Client(base_url=service.url, timeout=20) as found:
        yield found


@pytest.fixture(scope="module")
def stock(service: Served) -> Stock:
    """Carnets of five tickets in people's hands, more than the tests of a module take."""
    register_holders(service.operator)
    open_programme(service.operator)
    made = make_stock(service.operator, 120)
    circulate(service.operator, made)
    return made


@pytest.fixture(scope="module")
def device(service: Served, client: httpx.Client, stock: Stock) -> Device:
    """An enrolled device of a qualified venue, with a session."""
    open_venue(service.operator)
    made = Device(client, AUTHORITY)
    made.enrol(invite(service.operator))
    made.open_session()
    return made


@pytest.fixture
def carnet(stock: Stock) -> list[str]:
    """The codes of a carnet that no other test has."""
    _, codes = stock.codes.popitem()
    return codes
