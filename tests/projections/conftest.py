"""A ledger, somebody who appends to it, and a process that follows it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest

from ledger.postgres import Database
from projections.projection import AnyProjection
from projections.registry import READ_MODELS
from projections.runner import run_projections
from projections.schema import prepare_read_models
from tests.projections.appending import Appender

Following = Callable[..., AbstractContextManager[threading.Event]]


@pytest.fixture
def ledger(database: Database) -> Database:
    """A ledger with empty read models."""
    prepare_read_models(database)
    return database


@pytest.fixture
def appender(ledger: Database) -> Iterator[Appender]:
    with closing(Appender(ledger)) as found:
        yield found


@pytest.fixture
def following(ledger: Database) -> Following:
    """Follow the log on a thread of this process, until the block ends."""

    @contextmanager
    def follow(
        projections: tuple[AnyProjection, ...] = READ_MODELS,
    ) -> Iterator[threading.Event]:
        stop = threading.Event()
        thread = threading.Thread(target=run_projections, args=(ledger, stop, projections))
        thread.start()
        try:
            yield stop
        finally:
            stop.set()
            thread.join(timeout=10)
            assert not thread.is_alive()

    return follow
