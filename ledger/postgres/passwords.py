"""Passwords of the embedded server's roles: generated, in files that only we can read.

They are kept in libpq's own format (`passfile`), so that a connection string names
the file and never holds the password: nothing to leak in a log or a list of processes.
"""

import os
import secrets
from pathlib import Path

from ledger.secrets import sync_folder

BITS = 256


def ensure_password(folder: Path, role: str) -> str:
    """The password of `role`, made at the first call. Call it under a lock."""
    file = folder / role
    if not file.exists():
        line = f"*:*:*:{role}:{secrets.token_hex(BITS // 8)}\n"
        write_private(file, line)
    return file.read_text().rstrip("\n").rpartition(":")[2]


def write_private(file: Path, text: str) -> None:
    """Write the whole of `text` or nothing, readable by us alone, and on disk when we return."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.rename(file)
    sync_folder(file.parent)
