"""Processor time of other processes, from /proc; nothing is known where there is none."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, with those of its children that have ended."""
    fields = _stat(pid)
    return sum(int(field) for field in fields[11:15]) / TICKS if fields else 0.0


def family_cpu_seconds(pid: int) -> float:
    """What a process has used so far, with all of its children, running and ended."""
    return cpu_seconds(pid) + sum(cpu_seconds(child) for child in children(pid))


def children(pid: int) -> list[int]:
    """The processes that it started and that still run."""
    return [
        int(path.name)
        for path in Path("/proc").glob("[0-9]*")
        if (fields := _stat(int(path.name))) and int(fields[1]) == pid
    ]


def _stat(pid: int) -> list[str]:
    """The fields of `stat` from the third on; none where the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()
