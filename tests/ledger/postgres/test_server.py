"""An embedded server starts whatever was left behind, and stays up."""

import os
import re
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ledger.postgres import PostgresServer, PostgresUnavailableError
from ledger.postgres.places import give
from tests.ledger.postgres.conftest import FAST, StartCommand


def ask(server: PostgresServer, query: str) -> object:
    """The one value that `query` returns."""
    with psycopg.connect(server.conninfo()) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def shown(server: PostgresServer, setting: str) -> object:
    return ask(server, f"SELECT current_setting('{setting}')")


def born(server: PostgresServer) -> object:
    return ask(server, "SELECT pg_postmaster_start_time()")


def is_gone(pid: int, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_a_server_that_was_stopped_has_its_data_again(new_folder: Path) -> None:
    with PostgresServer(new_folder, settings=FAST) as server:
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        first = server.pid

    with PostgresServer(new_folder, settings=FAST) as server:
        assert ask(server, "SELECT answer FROM kept") == 42
        assert server.pid != first

    assert first is not None
    assert is_gone(first)


def test_it_is_durable_and_private(postgres_server: PostgresServer, folder: Path) -> None:
    with PostgresServer(folder) as server:
        expected = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "password_encryption": "scram-sha-256",
        }
        assert {name: shown(server, name) for name in expected} == expected
        assert stat.S_IMODE(server.places.socket_folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(f.stat().st_mode) for f in server.places.secrets.iterdir()} == {0o600}


def test_nobody_connects_without_the_password(postgres_server: PostgresServer) -> None:
    """Not even from this machine, and not even an account that can reach the socket."""
    without = psycopg.conninfo.make_conninfo(postgres_server.conninfo(), passfile="/dev/null")

    with pytest.raises(psycopg.OperationalError, match="no password"):
        psycopg.connect(without)


def test_the_connection_string_holds_no_password(postgres_server: PostgresServer) -> None:
    file = postgres_server.places.secrets / "postgres"
    password = file.read_text().strip().rpartition(":")[2]

    assert len(password) == 64
    assert password not in postgres_server.conninfo()


def test_settings_go_over_ours(folder: Path) -> None:
    with PostgresServer(folder, settings={**FAST, "synchronous_commit": "off"}) as server:
        assert shown(server, "synchronous_commit") == "off"


def test_our_secrets_are_not_in_its_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And PG* variables, which would change where it looks for things, don't reach it."""
    monkeypatch.setenv("SOUCHE_SECRET", "x")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    with PostgresServer(folder, settings=FAST) as server:
        variables = Path(f"/proc/{server.pid}/environ").read_text()

    assert "SOUCHE" not in variables
    assert "PGDATA" not in variables


def test_ctrl_c_reaches_us_and_not_the_server(postgres_server: PostgresServer) -> None:
    """The last batch is finished before the database goes."""
    assert postgres_server.pid is not None
    assert os.getsid(postgres_server.pid) != os.getsid(0)


@pytest.mark.parametrize("name", ["with a space", "été 'quoted'", "one, two", "x" * 120])
def test_any_folder_will_do(server_folder: Path, name: str) -> None:
    """Also one whose path won't do for a socket, which then lives elsewhere, in private."""
    with PostgresServer(server_folder / name, settings=FAST) as server:
        assert ask(server, "SELECT 1") == 1
        assert stat.S_IMODE(server.places.socket_folder.stat().st_mode) == 0o700
        socket = server.places.socket_folder
    with PostgresServer(server_folder / name, settings=FAST) as server:
        assert ask(server, "SELECT 1") == 1
        assert server.places.socket_folder == socket
    if socket.parent.parent != server_folder / name:
        socket.rmdir()


def test_a_copy_has_a_server_of_its_own(server_folder: Path) -> None:
    """Also where the socket isn't in the folder, and the copy says where the original's is."""
    name = server_folder / ("y" * 120)
    name.mkdir()
    with PostgresServer(name / "original", settings=FAST) as original:
        subprocess.run(["/bin/cp", "-a", name / "original", name / "copy"], check=True)
        with PostgresServer(name / "copy", settings=FAST) as copy:
            assert copy.pid not in {None, original.pid}
            assert born(copy) != born(original)
    for server in (original, copy):
        server.places.socket_folder.rmdir()


def test_what_it_said_is_shown_when_it_cannot_start(folder: Path) -> None:
    with pytest.raises(PostgresUnavailableError, match=r"shared_buffers.*nonsense"):
        PostgresServer(folder, settings={"shared_buffers": "nonsense"}).start()


def test_an_interrupted_initdb_leaves_nothing_behind(new_folder: Path) -> None:
    draft = new_folder / "postgresql" / "data.draft-killed"
    draft.mkdir(parents=True)
    (draft / "half").touch()

    with PostgresServer(new_folder, settings=FAST) as server:
        assert ask(server, "SELECT 1") == 1

    assert not list(server.places.home.glob("data.draft-*"))


def test_data_of_another_major_version_are_left_alone(new_folder: Path) -> None:
    data = new_folder / "postgresql" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    if os.geteuid() == 0:
        os.chown(data, 65534, 65534)

    with pytest.raises(PostgresUnavailableError, match="written by PostgreSQL 9,"):
        PostgresServer(new_folder)


def test_a_superusers_password_that_was_lost_is_asked_for(folder: Path) -> None:
    server = PostgresServer(folder, settings=FAST)
    password = server.places.secrets / "postgres"
    password.rename(folder / "mislaid")

    with pytest.raises(PostgresUnavailableError, match=f"(?s){password}.*Put that file back"):
        server.start()

    (folder / "mislaid").rename(password)
    with server:
        assert ask(server, "SELECT 1") == 1


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(
        PostgresUnavailableError, match=r"file/var can't be used: Not a directory\.$"
    ):
        PostgresServer(tmp_path / "file" / "var")


@contextmanager
def stale_pid_file(folder: Path, pid: int) -> Iterator[PostgresServer]:
    """A data folder as a crash leaves it, but for the process id."""
    server = PostgresServer(folder, settings=FAST)
    with server:
        file = server.places.data / "postmaster.pid"
        written = file.read_text()
    file.write_text(f"{pid}\n" + written.split("\n", 1)[1])
    if not server.places.account.is_us:
        os.chown(file, server.places.account.uid, server.places.account.gid)
    yield server


def test_a_pid_file_of_a_dead_process_is_no_obstacle(folder: Path) -> None:
    process = subprocess.Popen(["/bin/sleep", "0"])
    process.wait()

    with stale_pid_file(folder, process.pid) as server, server:
        assert ask(server, "SELECT 1") == 1


def test_a_pid_file_of_a_killed_server_that_nobody_waited_for_is_no_obstacle(folder: Path) -> None:
    """It is dead, and keeps its process id until its parent looks."""
    identity = PostgresServer(folder).places.account.identity()
    process = subprocess.Popen(["/bin/sleep", "0"], cwd="/", **identity)
    time.sleep(0.2)

    with stale_pid_file(folder, process.pid) as server, server:
        assert ask(server, "SELECT 1") == 1

    assert process.wait() == 0


def test_a_pid_file_of_an_unrelated_process_is_no_obstacle(folder: Path) -> None:
    """Of the very account that runs PostgreSQL, which by itself would refuse to start."""
    identity = PostgresServer(folder).places.account.identity()
    with subprocess.Popen(["/bin/sleep", "600"], cwd="/", **identity) as process:
        try:
            with stale_pid_file(folder, process.pid) as server, server:
                assert ask(server, "SELECT 1") == 1
                assert process.poll() is None
        finally:
            process.kill()


def test_a_pid_file_that_was_cut_short_is_no_obstacle(folder: Path) -> None:
    """By a power cut while PostgreSQL wrote it."""
    server = PostgresServer(folder, settings=FAST)
    file = server.places.data / "postmaster.pid"
    file.touch(mode=0o600)
    give(file, server.places.account)

    with server:
        assert ask(server, "SELECT 1") == 1


def test_a_server_goes_down_with_its_killed_command(
    folder: Path, start_command: StartCommand
) -> None:
    """Cleanly, and the next command starts while it still does."""
    command = start_command(folder)
    pid = command.said["pid"]
    assert isinstance(pid, int)
    command.kill()

    with PostgresServer(folder, settings=FAST) as server:
        assert server.wait_until_ready(20)
        assert is_gone(pid)
        assert server.wait_until_ready(20)
        assert ask(server, "SELECT 1") == 1
        assert server.pid is not None
    assert "shutting down" in server.places.log.read_text()
    assert "not properly shut down" not in server.places.log.read_text()


def test_a_second_command_attaches_and_takes_over(
    folder: Path, start_command: StartCommand
) -> None:
    first = start_command(folder)
    with PostgresServer(folder, settings=FAST) as second:
        assert second.pid is None
        started = born(second)
        third = start_command(folder)
        assert third.said == {"pid": None}
        third.end()
        assert born(second) == started

        first.end()
        assert second.wait_until_ready(20)
        assert born(second) != started
        assert second.pid is not None


@pytest.mark.slow
def test_commands_that_start_at_once_share_one_server(
    new_folder: Path, start_command: StartCommand
) -> None:
    """From nothing: one of them creates the database."""
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(start_command(new_folder))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    pids = [command.said["pid"] for command in found]  # type: ignore[attr-defined]
    assert len(pids) == 4
    assert len([pid for pid in pids if pid is not None]) == 1


def test_a_killed_server_comes_back(folder: Path) -> None:
    """With all that was committed, and without a word from us."""
    with PostgresServer(folder, settings=FAST) as server:
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        killed = server.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert is_gone(killed)
        assert server.wait_until_ready(20)
        assert server.pid not in {None, killed}
        assert ask(server, "SELECT answer FROM kept") == 42


def test_it_may_be_started_by_a_thread_that_ends(folder: Path) -> None:
    """The kernel ties a process to the thread that started it; that is one of ours."""
    server = PostgresServer(folder, settings=FAST)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        started = born(server)
        time.sleep(0.3)
        assert born(server) == started
    finally:
        server.stop()


@pytest.mark.slow
def test_a_long_start_has_no_limit_and_tells_what_it_does(folder: Path) -> None:
    said: list[str] = []
    with PostgresServer(folder, settings=FAST) as server:
        late = PostgresServer(folder, progress=said.append)
        # It has the lock and answers nobody, like one that recovers.
        os.kill(server.pid or 0, signal.SIGSTOP)
        starting = threading.Thread(target=late.start)
        starting.start()
        starting.join(2.5)
        assert starting.is_alive()
        os.kill(server.pid or 0, signal.SIGCONT)
        starting.join()
        assert born(late) == born(server)
        late.stop()

    assert said
    assert all(re.fullmatch(r"\D+ \(\d+ s\)", words) for words in said)
