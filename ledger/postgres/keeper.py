"""The thread that starts an embedded server, waits for its end, and starts it again.

Only this thread starts servers: on Linux a server is told to shut down when the thread
that started it ends, even by `kill -9` of the whole process.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ledger.postgres.binaries import Binaries
from ledger.postgres.cluster import create_cluster
from ledger.postgres.errors import PostgresUnavailableError
from ledger.postgres.places import Places, record_home
from ledger.postgres.process import last_lines, start_process, try_lock

POLL, SLOWEST_POLL = 0.02, 0.25  # seconds between looks at a server that starts
WATCH = 0.5  # seconds between looks at a server that another command runs
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds before a dead server is started again
STEADY = 60.0  # seconds after which a server counts as healthy
FAST_SHUTDOWN = 60.0  # seconds; then it stops without a checkpoint, and recovers next time


class Keeper(threading.Thread):
    """Keeps one server up, from `start` until `finish`."""

    def __init__(
        self,
        *,
        data_folder: Path,
        places: Places,
        binaries: Binaries,
        settings: Mapping[str, str],
        is_ready: Callable[[], bool],
        log_in: Callable[[], None],
    ) -> None:
        super().__init__(name="postgres-keeper", daemon=True)
        self.doing = "looking for a running PostgreSQL"
        self.failure: Exception | None = None  # of the last start; None while it is up
        self.first_try = threading.Event()  # it is up, or the first start has failed
        self.process: subprocess.Popen[bytes] | None = None  # None: another command runs it
        self._data_folder = data_folder
        self._places = places
        self._binaries = binaries
        self._settings = settings
        self._is_ready = is_ready
        self._log_in = log_in
        self._finishing = threading.Event()

    def finish(self) -> None:
        """Shut our server down and end the thread; sessions are cut, commits are safe."""
        self._finishing.set()
        self._signal(signal.SIGINT)
        self.join(FAST_SHUTDOWN)
        if self.is_alive():
            self._signal(signal.SIGQUIT)
            self.join()

    def run(self) -> None:
        """Bring the server up whenever it is down; give up only if the first start fails."""
        pause = SHORTEST_PAUSE
        while not self._finishing.is_set():
            began = time.monotonic()
            try:
                self._bring_up()
                self._log_in()
            except Exception as e:  # noqa: BLE001 - the caller raises it
                self.failure = e
                if not self.first_try.is_set():
                    self._finishing.set()
            else:
                self.failure = None
                self.first_try.set()
                self._watch()
            if time.monotonic() - began > STEADY:
                pause = SHORTEST_PAUSE
            self._finishing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        # Here, not in `finish`: a server may have been started after its signal was sent.
        self._signal(signal.SIGINT)
        if self.process is not None:
            self.process.wait()
        self.first_try.set()

    def _bring_up(self) -> None:
        """Attach to a running server, or run one; return when it is ready or we finish."""
        while not self._finishing.is_set() and not self._is_ready():
            lock = try_lock(self._places)
            if lock is not None:
                self._start_server(lock)
                self._wait_until_ready()
                return
            self.doing = "waiting for PostgreSQL, which another command starts or stops"
            self._finishing.wait(POLL)

    def _start_server(self, lock: int) -> None:
        try:
            if not self._places.data.exists():
                self.doing = "creating the database"
                create_cluster(self._places, self._binaries, lock)
            record_home(self._places, self._data_folder)
            self.process = start_process(self._places, self._binaries, self._settings, lock)
        finally:
            # The server has it now, and not we: should it die, whoever is first, perhaps
            # another command, may start it as soon as the last of its processes is gone.
            os.close(lock)

    def _wait_until_ready(self) -> None:
        self.doing = "PostgreSQL is starting; after a crash it recovers first"
        pause = POLL
        while not self._finishing.is_set() and not self._is_ready():
            if self.process is None or self.process.poll() is not None:
                raise PostgresUnavailableError(
                    f"PostgreSQL {self._binaries.version} didn't start. The end of "
                    f"{self._places.log}:\n{last_lines(self._places.log)}"
                )
            # Each look is a line in the server's log, and a recovery may take long.
            self._finishing.wait(pause)
            pause = min(1.2 * pause, SLOWEST_POLL)

    def _watch(self) -> None:
        """Return when the server is gone, or we finish."""
        if self.process is None:
            while not self._finishing.wait(WATCH):
                lock = try_lock(self._places)
                if lock is not None:
                    os.close(lock)
                    return
        elif not self._finishing.is_set():  # `finish` sets that first, then signals
            self.process.wait()
            self.process = None

    def _signal(self, number: signal.Signals) -> None:
        process = self.process
        if process is not None:
            process.send_signal(number)
