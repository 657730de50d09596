"""Tests of the writer are coroutines, most of them on a ledger that is ready to redeem on."""

import pytest

from ledger.postgres import Database
from tests.ledger.writing import carry_out, in_circulation, store_on, writing


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that we serve on."""
    return "asyncio"


@pytest.fixture
async def ledger(database: Database) -> Database:
    """Two carnets of five tickets are in people's hands."""
    async with writing(store_on(database)) as writer:
        await carry_out(writer, in_circulation(carnets=2))
    return database
