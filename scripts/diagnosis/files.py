"""Files of the data folder: secrets and tokens, and who may read them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

from api.actors import FIND, digest
from ledger.secrets import FIRST_PEPPER
from scripts.common.tokens import KEPT, token_file
from scripts.diagnosis.finding import Finding, Patient, Verdict, judged

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def secrets(patient: Patient) -> Iterator[Finding]:
    """Whether the secrets are there, and nobody else's to read."""
    folder = patient.settings.data / "secrets"
    for name in ("session.key", f"pepper-{FIRST_PEPPER}.key"):
        path = folder / name
        if path.is_file():
            yield _private(path, f"secret {name}")
        else:
            advice = f"Put {path} back from a backup: without it no ticket opens."
            yield Finding(f"secret {name}", Verdict.BAD, "missing", advice)


def tokens(patient: Patient) -> Iterator[Finding]:
    """Whether the command line's tokens are known to the ledger, and private."""
    for role in KEPT:
        path = token_file(patient.settings.data, role)
        about = f"{role.value}'s token"
        if not path.is_file():
            advice = "Fine if its owner keeps it elsewhere; else `souche init` makes another."
            yield Finding(about, Verdict.GOOD, f"not in {path.parent}", advice)
            continue
        yield _private(path, about)
        with psycopg.connect(patient.database.writer, autocommit=True) as connection:
            row = connection.execute(FIND, [digest(path.read_text().strip())]).fetchone()
        if row is None:
            advice = f"Remove {path}, then `souche init`."
            yield Finding(about, Verdict.BAD, "unknown to the ledger", advice)


def _private(path: Path, about: str) -> Finding:
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    ours = found.st_uid in {os.geteuid(), 0}
    told = f"{mode:04o}" if ours else f"{mode:04o}, of another account (uid {found.st_uid})"
    return judged(
        about, told, f"chmod 600 '{path}': others can read it.", holds=ours and not mode & OTHERS
    )
