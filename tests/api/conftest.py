"""One service for all tests that can share a ledger; an empty one for a module that can't."""

from collections.abc import Iterator

import httpx
import pytest

from ledger.postgres import Database, PostgresServer
from tests.api.device import Device
from tests.api.ledgers import AUTHORITY, Served, served
from tests.api.operating import (
    OTHER_VENUE,
    Stock,
    circulate,
    invite,
    make_stock,
    open_programme,
    open_venue,
    register_holders,
)
from tests.postgres_fixtures import NewDatabase, drop


@pytest.fixture(scope="module")
def service(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A service on an empty ledger, for one module."""
    with served(module_database, tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture(scope="session")
def shared(
    new_database: NewDatabase,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """A service with a programme, holders and two venues. Tests leave no run open in it."""
    database = new_database()
    with served(database, tmp_path_factory.mktemp("data")) as found:
        register_holders(found.operator)
        open_programme(found.operator)
        open_venue(found.operator)
        open_venue(found.operator, OTHER_VENUE, "EPN de Lure")
        yield found
    drop(postgres_server, database)


@pytest.fixture(scope="session")
def client(shared: Served) -> Iterator[httpx.Client]:
    """Somebody without a token."""
    with httpx.Client(base_url=shared.url, timeout=20) as found:
        yield found


@pytest.fixture(scope="session")
def stock(shared: Served) -> Stock:
    """Carnets of five tickets in people's hands."""
    made = make_stock(shared.operator, 200)
    circulate(shared.operator, made)
    return made


@pytest.fixture
def carnet(stock: Stock) -> list[str]:
    """The codes of a carnet that no other test has."""
    _, codes = stock.codes.popitem()
    return codes


@pytest.fixture(scope="session")
def device(shared: Served, client: httpx.Client) -> Device:
    """An enrolled device of a venue, with a session."""
    return new_device(shared, client)


@pytest.fixture
def spare(shared: Served, client: httpx.Client) -> Device:
    """A device that a test may spoil: it guesses, or it is revoked."""
    return new_device(shared, client)


@pytest.fixture(scope="session")
def elsewhere(shared: Served, client: httpx.Client) -> Device:
    """A device of another venue."""
    return new_device(shared, client, OTHER_VENUE)


def new_device(service: Served, client: httpx.Client, *venue: str) -> Device:
    made = Device(client, AUTHORITY)
    made.enrol(invite(service.operator, *venue))
    made.open_session()
    return made
