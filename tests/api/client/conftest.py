"""A service of their own for the clients, behind somebody who loses requests and answers."""

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from api.client import Device
from tests.api.ledgers import Served
from tests.api.lossy_proxy import Proxy, proxy_to
from tests.api.operating import (
    Stock,
    circulate,
    invite,
    make_stock,
    open_programme,
    open_venue,
    register_holders,
)
from tests.api.tills import CLIENTS, Till, made, run_python

names = count(1)


@pytest.fixture(scope="module")
def stock(service: Served) -> Stock:
    """Carnets of five tickets in people's hands, one for each test."""
    register_holders(service.operator)
    open_programme(service.operator)
    made = make_stock(service.operator, 60)
    circulate(service.operator, made)
    return made


@pytest.fixture(scope="module")
def proxy(service: Served) -> Iterator[Proxy]:
    open_venue(service.operator)
    with proxy_to(service.url) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / f"till {next(names)}"  # with a space


@pytest.fixture(params=CLIENTS)
def till(request: pytest.FixtureRequest, folder: Path, service: Served, proxy: Proxy) -> Till:
    """An enrolled device, by each client."""
    found = made(Till(request.param, folder), proxy)
    found.run("enrol", invite(service.operator))
    return found


@pytest.fixture
def device(folder: Path, service: Served, proxy: Proxy) -> Iterator[Device]:
    """An enrolled device in this process."""
    made(Till(run_python, folder), proxy)
    with closing(Device(folder)) as found:
        found.enrol(invite(service.operator))
        yield found
