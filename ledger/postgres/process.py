"""One run of `postgres`: locked, tied to our life, its output in a log file."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from ledger.postgres import tether
from ledger.postgres.binaries import Binaries
from ledger.postgres.cluster import child_environment
from ledger.postgres.places import PORT, Places
from ledger.postgres.settings import arguments

LOG_LIMIT = 10_000_000  # bytes; a longer one is put aside when a server starts


def try_lock(places: Places) -> int | None:
    """The descriptor of the lock file, locked; None while a server, or its start, holds it.

    A server inherits the descriptor, and so do all of its processes: it is released when
    the last of them is gone, whoever started them and however they ended.
    """
    descriptor = os.open(places.lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def start_process(
    places: Places, binaries: Binaries, settings: Mapping[str, str], lock: int
) -> subprocess.Popen[bytes]:
    """Start `postgres` and return at once; `lock` is handed over to it.

    On Linux the server is told to shut down when the calling *thread* ends, so this must
    be called by one that lives as long as the server should.
    """
    socket_folder = places.make_socket_folder()
    disown_stale_pid(places.data)
    for leftover in socket_folder.glob(f".s.PGSQL.{PORT}*"):
        leftover.unlink()  # of a server that was killed: we hold the lock
    account = places.account
    command = [
        *(sys.executable, "-I", "-S", tether.__file__, str(os.getpid())),
        *(("-1", "-1") if account.is_us else (str(account.uid), str(account.gid))),
        str(binaries.path("postgres")),
        f"-D{places.data}",
        f"-k{socket_folder}",
        f"-p{PORT}",
        "--listen_addresses=",
        *arguments(settings),
    ]
    with _open_log(places.log) as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=child_environment(),
            umask=0o077,
            start_new_session=True,  # Ctrl-C is for us: we stop it after the last batch
            pass_fds=(lock,),
        )


def disown_stale_pid(data: Path) -> None:
    """Make PostgreSQL see through a `postmaster.pid` that names an unrelated live process.

    Ids are reused, in containers soon after a restart, and PostgreSQL then refuses to
    start. It ignores its parent's id there, so we put ours: its other check, that no
    shared memory of an earlier run is still in use, needs the rest of the file. It
    refuses an empty one too, which a power cut may leave; we hold the lock.
    """
    try:
        # Not through a link: as root we write here in a folder of another account.
        descriptor = os.open(data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "r+") as file:
        pid, _, rest = file.read().partition("\n")
        if not pid:
            (data / "postmaster.pid").unlink()
        elif pid.isdecimal() and not _may_be_postmaster(int(pid), data):
            file.seek(0)
            file.write(f"{os.getpid()}\n{rest}")
            file.truncate()


def _may_be_postmaster(pid: int, data: Path) -> bool:
    try:
        # A postmaster's working folder is its data folder. A killed one that nobody has
        # waited for yet has none, and still counts as alive for PostgreSQL.
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except PermissionError:
        return True  # another account's, which PostgreSQL ignores by itself
    except FileNotFoundError:
        return False


def last_lines(log: Path, count: int = 12) -> str:
    """The end of the log."""
    with log.open("rb") as opened:
        opened.seek(max(0, log.stat().st_size - 200 * count))
        lines = opened.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-count:])


def _open_log(log: Path) -> BinaryIO:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.rename(log.with_suffix(".log.old"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
