"""The log on a fresh ledger, under the library's interface."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from ledger.log.recorder import LogRecorder
from ledger.postgres import Database
from tests.ledger.log.helpers import CHANNEL

NewRecorder = Callable[[], LogRecorder]


@pytest.fixture
def new_recorder(database: Database) -> Iterator[NewRecorder]:
    """Makes recorders, each with connections of its own, as other processes have them."""
    with ExitStack() as open_ones:
        yield lambda: open_ones.enter_context(closing(LogRecorder(database.writer, CHANNEL)))


@pytest.fixture
def recorder(new_recorder: NewRecorder) -> LogRecorder:
    return new_recorder()
