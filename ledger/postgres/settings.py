"""How the embedded server runs: durable, for many short commits to one log."""

import sys
from collections.abc import Mapping
from types import MappingProxyType

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        # Nothing is acknowledged before it is on disk. These are PostgreSQL's own defaults,
        # set here so that no file in the data folder can quietly say otherwise.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_level": "replica",  # base backups and archiving work without a restart
        # Checkpoints are rare, so that few pages are written whole to the WAL; recovery
        # after a crash reads at most this much of it, some seconds a gigabyte.
        "max_wal_size": "4GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "on",  # only of whole pages; they are rare, and mostly empty
        "shared_buffers": "256MB",
        "wal_buffers": "16MB",
        "jit": "off",  # compiling costs more than any of our statements
        "autovacuum": "on",
        "max_connections": "100",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d %a ",
        "log_checkpoints": "off",
        "logging_collector": "off",  # standard error goes to our log file
    }
)


# After a crash all that the kernel still has is written in one call, not file by file:
# 0.7 s for a small ledger instead of 2 to 4. Since Linux 5.8 that call reports errors.
LINUX: Mapping[str, str] = MappingProxyType({"recovery_init_sync_method": "syncfs"})


def arguments(settings: Mapping[str, str]) -> list[str]:
    """`settings` over the defaults, as the command line of `postgres`."""
    ours = {**DEFAULTS, **LINUX} if sys.platform == "linux" else DEFAULTS
    return [f"--{name}={value}" for name, value in {**ours, **settings}.items()]
