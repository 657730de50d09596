"""An embedded PostgreSQL: started, kept up, stopped.

Any number of commands may use one data folder. The first runs the server and the others
attach to it. When the first one stops, so does its server, cutting the others' sessions;
one of those takes over within a second. On Linux the same happens when it is killed;
elsewhere its server then stays up, and later commands attach to it.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from ledger.postgres.binaries import Binaries, find_binaries
from ledger.postgres.cluster import ADMIN
from ledger.postgres.errors import PostgresUnavailableError
from ledger.postgres.install import reachable_by
from ledger.postgres.keeper import POLL, SLOWEST_POLL, Keeper
from ledger.postgres.places import PORT, find_places

ANSWER = 2  # seconds; one that takes longer to say whether it is ready is asked again
WELCOME = 30  # seconds that a server that is ready may take to let us in

Progress = Callable[[str], None]


class PostgresServer:
    """A PostgreSQL on `data_folder`, run by us or found running. Thread-safe.

    A server of ours that dies is started again, with a growing pause between failures.
    """

    def __init__(
        self,
        data_folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Binaries | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Say where and how; nothing is started before `start`.

        `settings` go over our defaults, and don't reach a server that runs already.
        `progress` is told, about once a second, what a long start is busy with.

        Raises:
            PostgresUnavailableError: no PostgreSQL, no account or no folder to run it in.
        """
        self.places = find_places(data_folder)
        version = self.places.data / "PG_VERSION"
        major = int(version.read_text()) if version.exists() else None
        self.binaries = reachable_by(self.places.account, binaries or find_binaries(major))
        self._data_folder = data_folder
        self._settings = dict(settings or {})
        self._progress = progress or (lambda _: None)
        self._keeper: Keeper | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None while it is down or another command runs it."""
        process = self._keeper.process if self._keeper else None
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
            raise RuntimeError("This server was started already.")
        self._keeper = keeper = Keeper(
            data_folder=self._data_folder,
            places=self.places,
            binaries=self.binaries,
            settings=self._settings,
            is_ready=self.is_ready,
            log_in=self._log_in,
        )
        keeper.start()
        began = time.monotonic()
        try:
            while not keeper.first_try.wait(timeout=1.0):
                self._progress(f"{keeper.doing} ({time.monotonic() - began:.0f} s)")
        except BaseException:  # Ctrl-C, too
            self.stop()
            raise
        if keeper.failure is not None:
            self.stop()
            raise keeper.failure

    def stop(self) -> None:
        """Shut our server down (fast: sessions are cut, nothing committed is lost).

        A server that another command runs is left alone.
        """
        if self._keeper is not None:
            self._keeper.finish()
            self._keeper = None

    def is_ready(self) -> bool:
        """Whether it accepts connections now."""
        conninfo = make_conninfo(self.conninfo(), connect_timeout=ANSWER)
        return Ping(PGconn.ping(conninfo.encode())) == Ping.OK

    def wait_until_ready(self, seconds: float) -> bool:
        """Whether it accepts connections within `seconds`; it may be restarting meanwhile."""
        until = time.monotonic() + seconds
        pause = POLL
        while not self.is_ready():
            if time.monotonic() >= until:
                return False
            time.sleep(pause)
            pause = min(1.2 * pause, SLOWEST_POLL)
        return True

    def _log_in(self) -> None:
        """Connect for real, once: that it is ready doesn't say that it lets us in, or is ours."""
        try:
            with psycopg.connect(self.conninfo(), connect_timeout=WELCOME) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError as e:
            if "password" in str(e):
                raise PostgresUnavailableError(
                    f"The database in {self.places.home} doesn't take the password in "
                    f"{self.places.secrets / ADMIN}: {e}\nPut that file back as it was when the "
                    f"database was made; a backup of {self.places.home} has it."
                ) from e
            return  # it is on its way down again, which the keeper sees
        if row is None or Path(row[0]) != self.places.data:
            raise PostgresUnavailableError(
                f"The server in {self.places.socket_folder} runs on {row and row[0]}, "
                f"not on {self.places.data}."
            )
