"""Our supervisor of an embedded PostgreSQL: starts it, keeps it up, stops it.

A thread of its own, the keeper, starts the server and waits for its end; when the
server dies it is started again. Only that thread starts servers: on Linux a server is
told to shut down when the thread that started it ends, even by `kill -9` of our process.

Any number of commands may use one data folder. The first runs the server, the others
attach to it; when the first one stops, so does its server, and another takes over.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from ledger.postgres.binaries import Binaries, find_binaries
from ledger.postgres.cluster import ADMIN, create_cluster
from ledger.postgres.errors import PostgresUnavailableError
from ledger.postgres.install import reachable_by
from ledger.postgres.places import PORT, find_places, record_home
from ledger.postgres.process import last_lines, start_process, try_lock

POLL = 0.02  # seconds between looks at a server that starts
WATCH = 0.5  # seconds between looks at a server that another command runs
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds before a dead server is started again
STEADY = 60.0  # seconds after which a server counts as healthy again
FAST_SHUTDOWN = 60.0  # seconds; after that it stops without a checkpoint, and recovers later

Progress = Callable[[str], None]


class PostgresServer:
    """A PostgreSQL on `data_folder`, run by us or found running.

    Usable as a context manager. Thread-safe.
    """

    def __init__(
        self,
        data_folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Binaries | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Say where and how; nothing happens before `start`.

        `settings` go over our defaults, and don't reach a server that runs already.
        `progress` is told, now and then, what a long start is busy with.
        """
        self.places = find_places(data_folder)
        self.binaries = reachable_by(self.places.account, binaries or self._suitable())
        self._data_folder = data_folder
        self._settings = dict(settings or {})
        self._progress = progress or (lambda _: None)
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()
        self._first_try = threading.Event()  # it is up, or it has failed
        self._failure: BaseException | None = None
        self._doing = ""  # what the keeper is busy with

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    # What callers ask for ---------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None when another command runs it or it is down."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def conninfo(self, user: str = ADMIN, dbname: str = "postgres") -> str:
        """How to connect as `user`; names a password file and holds no password."""
        return make_conninfo(
            host=str(self.places.socket_folder),
            port=PORT,
            user=user,
            dbname=dbname,
            passfile=str(self.places.secrets / user),
        )

    def start(self) -> None:
        """Return once the server accepts connections, however long its recovery takes.

        Raises:
            PostgresUnavailableError: it can't be started; the message has its last words.
        """
        if self._keeper is not None:
            raise RuntimeError("already started")
        self._stopping.clear()
        self._first_try.clear()
        self._failure = None
        self._keeper = threading.Thread(target=self._keep, name="postgres-keeper", daemon=True)
        self._keeper.start()
        try:
            self._wait_for_first_try()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut our server down (fast: sessions are cut, nothing committed is lost).

        A server that another command runs is left alone.
        """
        self._stopping.set()
        process = self._process
        if process is not None:
            process.send_signal(signal.SIGINT)  # at once; the keeper sees to the rest
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None

    def is_ready(self) -> bool:
        """Whether it accepts connections now."""
        return self._ping() == Ping.OK

    def wait_until_ready(self, seconds: float) -> bool:
        """Whether it accepts connections within `seconds`; it may be restarting meanwhile."""
        until = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() >= until:
                return False
            time.sleep(POLL)
        return True

    # Starting, in the caller's thread ---------------------------------------------------

    def _suitable(self) -> Binaries:
        version = self.places.data / "PG_VERSION"
        return find_binaries(int(version.read_text()) if version.exists() else None)

    def _wait_for_first_try(self) -> None:
        began = time.monotonic()
        while not self._first_try.wait(timeout=1.0):
            self._progress(f"{self._doing} ({time.monotonic() - began:.0f} s)")
        if self._failure is not None:
            raise self._failure

    def _ping(self) -> Ping:
        conninfo = make_conninfo(self.conninfo(), connect_timeout=5)
        return Ping(PGconn.ping(conninfo.encode()))

    # The keeper's thread ----------------------------------------------------------------

    def _keep(self) -> None:
        pause = SHORTEST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._bring_up()
                self._log_in()
            except Exception as e:  # noqa: BLE001 - it is raised in the caller's thread
                self._failure = e
                if not self._first_try.is_set():
                    self._shut_down()
                    self._first_try.set()
                    return  # the caller hears of it
            else:
                self._failure = None
                self._first_try.set()
                self._watch()
            if time.monotonic() - began > STEADY:
                pause = SHORTEST_PAUSE
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        self._shut_down()

    def _bring_up(self) -> None:
        """Attach to a running server, or run one; return when it is ready or we are stopping."""
        while not self._stopping.is_set() and not self.is_ready():
            lock = try_lock(self.places)
            if lock is not None:
                self._run(lock)
                return
            self._doing = "waiting for PostgreSQL, which another command starts or stops"
            self._stopping.wait(POLL)

    def _run(self, lock: int) -> None:
        try:
            if not self.places.data.exists():
                self._doing = "creating the database"
                create_cluster(self.places, self.binaries)
                record_home(self.places, self._data_folder)
            logged = self.places.log.stat().st_size if self.places.log.exists() else 0
            self._process = start_process(self.places, self.binaries, self._settings, lock)
        finally:
            # The server has it now. Not ours to hold: should the server die, whoever is
            # first, perhaps another command, may start it as soon as all of it is gone.
            os.close(lock)
        self._doing = "PostgreSQL is starting; after a crash it first recovers"
        while not self._stopping.is_set() and not self.is_ready():
            if self._process.poll() is not None:
                said = last_lines(self.places.log, since=logged)
                raise PostgresUnavailableError(
                    f"PostgreSQL {self.binaries.version} didn't start:\n{said}"
                )
            self._stopping.wait(POLL)

    def _log_in(self) -> None:
        """A real connection: readiness alone doesn't say that our password is right."""
        if self._stopping.is_set():
            return
        try:
            psycopg.connect(self.conninfo()).close()
        except psycopg.OperationalError as e:
            if "password" in str(e):
                raise PostgresUnavailableError(
                    f"The database in {self.places.home} doesn't take the password in "
                    f"{self.places.secrets / ADMIN}: {e}"
                ) from e
            # Else it has just gone down again, which `_watch` sees.

    def _watch(self) -> None:
        """Return when the server is gone, or we are stopping."""
        if self._process is not None:
            while not self._stopping.is_set():
                try:
                    self._process.wait(timeout=WATCH)
                except subprocess.TimeoutExpired:
                    continue
                self._process = None
                return
        while not self._stopping.wait(WATCH):
            lock = try_lock(self.places)
            if lock is not None:
                os.close(lock)
                return

    def _shut_down(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=FAST_SHUTDOWN)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()
