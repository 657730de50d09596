"""One run of `postgres`: locked, tied to our life, its output in a log file."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ledger.postgres.binaries import Binaries
from ledger.postgres.cluster import child_environment
from ledger.postgres.places import PORT, Places, make_socket_folder
from ledger.postgres.settings import arguments

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
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
    disown_stale_pid(places.data)
    command = [
        str(binaries.path("postgres")),
        f"-D{places.data}",
        f"-k{make_socket_folder(places)}",
        f"-p{PORT}",
        "--listen_addresses=",
        *arguments(settings),
    ]
    if places.log.exists() and places.log.stat().st_size > LOG_LIMIT:
        places.log.rename(places.log.with_suffix(".log.old"))
    with places.log.open("ab") as log:
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
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - two C calls, bound beforehand
            **places.account.identity(),
        )


def disown_stale_pid(data: Path) -> None:
    """Make PostgreSQL see through a `postmaster.pid` that names an unrelated live process.

    Ids are reused, in containers soon after a restart, and PostgreSQL then refuses to
    start. It ignores its parent's id there, so we put ours: its other check, that no
    shared memory of an earlier run is still in use, needs the rest of the file.
    """
    file = data / "postmaster.pid"
    try:
        pid, rest = file.read_text().split("\n", 1)
        runs_in = Path(f"/proc/{int(pid)}/cwd").readlink()
    except (FileNotFoundError, PermissionError, ValueError):
        return  # none; of another account, which PostgreSQL handles; or not ours to judge
    if runs_in != data.resolve():  # a postmaster's working folder is its data folder
        file.write_text(f"{os.getpid()}\n{rest}")


def last_lines(log: Path, since: int = 0, count: int = 12) -> str:
    """The end of what was logged after the first `since` bytes."""
    if not log.exists():
        return ""
    with log.open("rb") as opened:
        opened.seek(since)
        lines = opened.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-count:])


def _die_with_parent() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None  # there, a server outlives a killed parent, and the next command attaches
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    getppid, parent, fast_shutdown = os.getppid, os.getpid(), int(signal.SIGINT)

    def in_child() -> None:
        prctl(PR_SET_PDEATHSIG, fast_shutdown, 0, 0, 0)
        if getppid() != parent:  # it died before we asked
            os._exit(1)

    return in_child
