"""Tests of the writer are coroutines."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that we serve on."""
    return "asyncio"
