"""What every folder of tests may use."""

import gc

from hypothesis import settings

pytest_plugins = ["tests.postgres_fixtures"]

# How long an example takes is the machine's business, and other programs run on it.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


def pytest_collection_finish() -> None:
    """Three thousand tests stay to the end. The collector need not look through them each time."""
    gc.collect()
    gc.freeze()
