"""An event loop whose time is its own: it never waits, and repeats itself exactly."""

import asyncio
from typing import Any


class StuckError(RuntimeError):
    """Everybody waits for somebody, and nobody will ever wake."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's own scheduler over a clock that jumps to the next timer. No files, no threads."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self  # where asyncio would wait for files

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        """Let `timeout` seconds pass."""
        if timeout is None:
            raise StuckError("everybody waits")
        self._now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
