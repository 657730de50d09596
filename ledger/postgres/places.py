"""Where a ledger's database lives on disk, and who may reach it.

    <data folder>/postgresql/     the "home"; as root it may be elsewhere, see below
        data/                     PostgreSQL's own folder, 0700, owned by the account that runs it
        run/                      its socket, 0700; elsewhere when the path won't do for one
        secrets/<role>            password files, 0600, ours alone
        lock                      held while a server runs; never deleted
        server.log

As root, PostgreSQL runs as another account, which has to reach `data`. Where it can't
(a checkout in a home that is closed to others), the home is /var/lib/souche/<digest of
the data folder's path>, and `<data folder>/postgresql.location` records that, so that the
ledger isn't lost from sight when permissions change. Folders that aren't ours are never
chmodded.
"""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ledger.postgres.accounts import Account, account_for
from ledger.postgres.errors import PostgresUnavailableError
from ledger.postgres.passwords import write_private

STATE = Path("/var/lib/souche")  # used by root only
LOCATION = "postgresql.location"  # in the data folder: where the home is, if elsewhere
PORT = 5432  # there is no TCP; it names the socket
PRIVATE = 0o700
SOCKET_PATH_LIMIT = 103  # bytes, of the socket itself: macOS; Linux has room for 107


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one database, and the account that runs it."""

    home: Path
    account: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder; there only once it is complete."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What PostgreSQL says, in English."""
        return self.home / "server.log"

    @property
    def lock(self) -> Path:
        """Locked by every process of a running server."""
        return self.home / "lock"

    @property
    def secrets(self) -> Path:
        """Password files, one a role."""
        return self.home / "secrets"

    @property
    def socket_folder(self) -> Path:
        """Where the socket is, or was when a server last ran here."""
        short = _recorded(self._short_socket_folder, of=self.home)
        return short or self.home / "run"

    @property
    def _short_socket_folder(self) -> Path:
        return self.home / "socket.location"

    def make_socket_folder(self) -> Path:
        """A private folder whose path will do for a socket. Call it under the lock.

        Raises:
            PostgresUnavailableError: no path will.
        """
        if _fits(self.socket_folder) and _is_private(self.socket_folder, self.account):
            return self.socket_folder
        self._short_socket_folder.unlink(missing_ok=True)
        folder = self.home / "run"
        if _fits(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        else:
            folder = _make_short_folder()
            _record(self._short_socket_folder, folder, of=self.home)
        give(folder, self.account)
        return folder


def find_places(data_folder: Path) -> Places:
    """Decide where the database of `data_folder` lives, and create what is missing.

    Raises:
        PostgresUnavailableError: the database has gone, or isn't ours to open.
    """
    data_folder = data_folder.resolve()
    try:
        data_folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        home = _home(data_folder)
        account = account_for(home / "data")
        places = Places(home, account)
        _make(home, 0o700 if account.is_us else 0o711)
        places.secrets.mkdir(mode=0o700, exist_ok=True)
        places.lock.touch(mode=0o600)
    except OSError as e:
        told = f"The folder {data_folder} can't be used: {e.strerror or e}."
        raise PostgresUnavailableError(told) from e
    return places


def give(path: Path, account: Account) -> None:
    """Let `account` own `path`, which we have made in a folder that only we can write."""
    if not account.is_us:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def own_state_folder() -> Path:
    """`/var/lib/souche`, root's and nobody else's to write.

    Raises:
        PostgresUnavailableError: somebody else could have put things there.
    """
    _make(STATE, 0o755)
    found = STATE.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise PostgresUnavailableError(
            f"{STATE} has to be a folder that belongs to root and that only root can write."
        )
    return STATE


def _make(folder: Path, mode: int) -> None:
    """A folder of that mode, whatever our umask; what is there already stays as it is."""
    try:
        folder.mkdir(mode, parents=True)
    except FileExistsError:
        return
    folder.chmod(mode)


def _home(data_folder: Path) -> Path:
    beside = data_folder / "postgresql"
    location = data_folder / LOCATION
    if location.exists():
        return _recorded_home(data_folder, location)
    if (beside / "data").exists() or account_for(beside / "data").is_us:
        return beside
    if account_for(beside / "data").can_enter(data_folder):
        return beside
    digest = hashlib.sha256(os.fsencode(data_folder)).hexdigest()[:16]
    return own_state_folder() / digest


def _recorded_home(data_folder: Path, location: Path) -> Path:
    home, owner = (Path(line) for line in location.read_text().splitlines()[:2])
    if not (home / "data").exists():
        raise PostgresUnavailableError(
            f"The database of {data_folder} was in {home} and isn't there any more. Put it "
            f"back, or remove {location} to begin an empty ledger."
        )
    if owner != data_folder and owner.exists():
        raise PostgresUnavailableError(
            f"{data_folder} is a copy of {owner}, whose database is in {home} and wasn't "
            f"copied. Remove {location} to begin an empty ledger."
        )
    return home


def record_home(places: Places, data_folder: Path) -> None:
    """Remember a home that isn't in the data folder, once there are data in it.

    There too it says whose it is, for whoever tidies up.
    """
    data_folder = data_folder.resolve()
    if places.home.parent != data_folder:
        _record(data_folder / LOCATION, places.home, of=data_folder)
        write_private(places.home / "belongs-to", f"{data_folder}\n")


def _record(file: Path, location: Path, *, of: Path) -> None:
    write_private(file, f"{location}\n{of}\n")


def _recorded(file: Path, *, of: Path) -> Path | None:
    """None, too, in a copy: what is recorded there belongs to the original."""
    try:
        location, original = file.read_text().splitlines()
    except FileNotFoundError:
        return None
    return Path(location) if original == str(of) else None


def _fits(folder: Path) -> bool:
    """For a socket. A comma is what PostgreSQL and its clients part several folders by."""
    socket = os.fsencode(folder / f".s.PGSQL.{PORT}")
    return len(socket) <= SOCKET_PATH_LIMIT and b"," not in socket


def _is_private(folder: Path, account: Account) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False  # temporary folders are swept
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == account.uid
        and stat.S_IMODE(found.st_mode) == PRIVATE
    )


def _make_short_folder() -> Path:
    candidates = ["/run"] if os.geteuid() == 0 else [os.environ.get("XDG_RUNTIME_DIR", "")]
    for base in (*candidates, tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes it private
        if base and os.access(base, os.W_OK) and _fits(Path(base) / "souche-12345678"):
            return Path(tempfile.mkdtemp(prefix="souche-", dir=base))
    raise PostgresUnavailableError(
        "No folder has a path short enough, and without a comma, for PostgreSQL's socket; set "
        "TMPDIR to one."
    )
