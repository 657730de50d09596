"""Become another account, ask to be stopped with our parent, become PostgreSQL.

    python -I -S tether.py PARENT_PID UID GID PROGRAM ARGUMENT...

A program of its own, run from its file: `preexec_fn` does the same in a forked copy of
the parent, which is not safe when that has threads. -1 for UID and GID changes nothing.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def become(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Replace this process. Returns only if the parent is dead already."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":  # elsewhere a server outlives its killed command
        # Last: a change of account clears it; becoming another program doesn't.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606 - that is the point


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    sys.exit("the command that wanted PostgreSQL is gone")
