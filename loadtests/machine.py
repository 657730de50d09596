"""Where the machine's processor time goes, from /proc/stat; nothing is known where there is none.

On a virtual machine the hypervisor may give time that was wanted here to others: it is stolen.
"""

from pathlib import Path
from typing import NamedTuple

STAT = Path("/proc/stat")
COLUMNS = 8  # user to steal; the guests' that follow are in user's and nice's already

Shares = dict[str, float]  # per cent, by name; empty where nothing is known


class Jiffies(NamedTuple):
    """Processor time since the machine started, of all cores together."""

    stolen: int
    idle: int  # also what waits for a disk
    total: int


def sample() -> Jiffies | None:
    """What has been used, wasted and stolen so far."""
    try:
        return read_jiffies(STAT.read_text())
    except OSError:
        return None


def read_jiffies(stat: str) -> Jiffies | None:
    """Read the first line of /proc/stat. Some sandboxes have a file that counts nothing."""
    columns = [int(column) for column in stat.partition("\n")[0].split()[1 : 1 + COLUMNS]]
    if len(columns) < COLUMNS or not any(columns):
        return None
    *_, idle, iowait, _irq, _softirq, steal = columns
    return Jiffies(steal, idle + iowait, sum(columns))


def shares(before: Jiffies | None, after: Jiffies | None) -> Shares:
    """What part of the time between two samples was stolen, and what part was left over."""
    if before is None or after is None:
        return {}
    total = max(1, after.total - before.total)  # within one tick nothing is counted
    return {
        "stolen_percent": 100 * (after.stolen - before.stolen) / total,
        "idle_percent": 100 * (after.idle - before.idle) / total,
    }
