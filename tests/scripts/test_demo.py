"""The demo, as whoever looks at Souche first runs it."""

import json
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.postgres import places
from ledger.postgres.places import find_places, give, record_home
from ledger.settings import Settings
from scripts.common.ending import CommandError
from scripts.demo import _listen
from scripts.demonstration.folder import MARK, demo_folder
from scripts.demonstration.telling import _what_is_left, _where_to_look
from tests.scripts.conftest import free_port
from tests.scripts.running import Souche

ON_PURPOSE = {
    "carnet-expired",
    "code-unknown",
    "terminal-revoked",
    "ticket-already-redeemed",
    "ticket-not-assigned",
    "too-many-tickets",
    "venue-not-qualified",
}


@pytest.fixture(scope="module")
def played(new_data: Callable[[], Path]) -> tuple[Souche, dict[str, object]]:
    """A demo that has been played, and the line that it ended with."""
    souche = Souche(new_data())
    command = ("demo", "--data", str(souche.data), "--port", str(free_port()))
    with souche.started(*command, "--once", "--json") as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return souche, json.loads(out.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_demo_redeems_refuses_and_pays(played: tuple[Souche, dict[str, object]]) -> None:
    _, told = played

    assert int(str(told["redeemed"])) >= 20_000
    assert set(dict(told["refused"])) == ON_PURPOSE  # type: ignore[call-overload]
    assert told["reimbursed_cents"] == int(str(told["redeemed"])) * 1000
    assert int(str(told["events"])) > 50_000


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_its_books_can_be_looked_at_afterwards(
    played: tuple[Souche, dict[str, object]],
) -> None:
    souche, told = played

    balances = souche.look("balances")
    trial = balances["trial_balance"]
    assert balances["balanced"]
    assert trial["debit_cents"] + trial["credit_cents"] == 0
    assert souche.look("status")["events"] == told["events"]
    assert souche.look("rebuild", "--check")["differences"] == []
    assert "holds a demo's data" in souche.refuse("serve", "--port", str(free_port()))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_second_demo_begins_anew(played: tuple[Souche, dict[str, object]]) -> None:
    souche, _ = played
    (souche.data / "leftover").write_text("of the first one\n")

    command = ("demo", "--data", str(souche.data), "--port", str(free_port()))
    with souche.started(*command) as process:
        assert process.stdout is not None
        process.stdout.readline()
        during = souche.run("demo", "--data", str(souche.data))
        for line in process.stdout:
            if "stays up" in line:
                break
        process.send_signal(signal.SIGINT)
        left = process.stdout.read()

    assert during.code == 3
    assert "runs on" in during.err
    assert not (souche.data / "leftover").exists()
    assert process.returncode == 0
    assert left.startswith(f"Stopped. The data stays in {souche.data};")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_demo_that_leaves_names_no_address(new_data: Callable[[], Path]) -> None:
    souche = Souche(new_data())
    port = str(free_port())
    command = ("demo", "--data", str(souche.data), "--port", port, "--once")
    with souche.started(*command) as process:
        out, err = process.communicate(timeout=300)

    assert process.returncode == 0, err
    assert port not in out
    assert f"souche balances --data '{souche.data}'" in out


@pytest.mark.parametrize(
    ("run", "souche"),
    [(None, "souche"), ("./run", "./run souche"), ("/my work/run", "'/my work/run' souche")],
)
def test_its_commands_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, run: str | None, souche: str
) -> None:
    """Whatever there is in the folder's name."""
    monkeypatch.delenv("SOUCHE_RUN", raising=False)
    if run is not None:
        monkeypatch.setenv("SOUCHE_RUN", run)

    told = [*_what_is_left(Path("/it's here")), *_where_to_look(Path("/it's here"), "127.0.0.1:1")]

    typed = [line.partition(":  ")[2].strip() for line in told if "--data" in line]
    assert len(typed) == 4
    assert all(line.startswith(f"{souche} ") for line in typed)
    assert all(shlex.split(line)[-2:] == ["--data", "/it's here"] for line in typed)


def test_it_removes_nothing_that_is_not_a_demos(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work\n")

    told = Souche(tmp_path).refuse("demo", "--data", str(tmp_path), "--once")

    assert "not a demo's" in told
    assert (tmp_path / "thesis.tex").exists()


def test_of_two_that_begin_at_once_one_is_refused(tmp_path: Path) -> None:
    with (
        demo_folder(tmp_path / "demo"),
        pytest.raises(CommandError, match="runs on"),
        demo_folder(tmp_path / "demo"),
    ):
        pytest.fail("both have it")
    with demo_folder(tmp_path / "demo"):
        pass


@pytest.mark.parametrize("gone", [False, True], ids=["database there", "database gone"])
def test_what_one_demo_began_to_remove_the_next_one_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, gone: bool
) -> None:
    """For root the database is elsewhere: other accounts can't enter this folder."""
    monkeypatch.setattr(places, "STATE", tmp_path / "state")
    with demo_folder(tmp_path / "demo") as empty:
        empty()
        left = find_places(tmp_path / "demo")
        left.data.mkdir()
        give(left.data, left.account)
        record_home(left, tmp_path / "demo")
    rmtree = shutil.rmtree

    def killed(path: Path) -> None:
        if gone:
            rmtree(path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with demo_folder(tmp_path / "demo") as empty, pytest.raises(KeyboardInterrupt):
            empty()

    with demo_folder(tmp_path / "demo") as empty:
        empty()
        assert not left.home.exists()
        assert [each.name for each in (tmp_path / "demo").iterdir()] == [MARK]


def test_interrupted_it_leaves_nothing_running(new_data: Callable[[], Path]) -> None:
    souche = Souche(new_data())
    command = ("demo", "--data", str(souche.data), "--port", str(free_port()))
    with souche.started(*command) as process:
        assert process.stdout is not None
        process.stdout.readline()

        process.terminate()
        process.communicate(timeout=60)

    listing = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    assert str(souche.data) not in listing.stdout


def usual(monkeypatch: pytest.MonkeyPatch, port: int) -> Settings:
    """What the demo's settings come to with this SOUCHE_PORT."""
    monkeypatch.setenv("SOUCHE_PORT", str(port))
    return Settings()


def test_it_listens_where_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = usual(monkeypatch, free_port())

    with _listen(settings, or_free=True) as listener:
        assert listener.getsockname() == ("127.0.0.1", settings.port)


def test_where_its_usual_port_is_taken_it_has_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = usual(monkeypatch, other.getsockname()[1])

        with _listen(settings, or_free=True) as listener:
            assert listener.getsockname()[1] not in {0, settings.port}


def test_a_port_that_was_asked_for_and_is_taken_is_told(new_data: Callable[[], Path]) -> None:
    """And the last demo is still there."""
    souche = Souche(new_data())
    with demo_folder(souche.data):
        (souche.data / "books").write_text("of the last demo\n")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = souche.run("demo", "--data", str(souche.data), "--port", port, "--once")

    assert said.code == 3
    assert f"Can't listen on 127.0.0.1:{port}" in said.err
    assert (souche.data / "books").exists()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_is_played_at_a_free_port_beside_a_service(new_data: Callable[[], Path]) -> None:
    souche = Souche(new_data())
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = ("demo", "--data", str(souche.data), "--once")
        with souche.started(*command, SOUCHE_PORT=port) as process:
            _, err = process.communicate(timeout=300)

    assert process.returncode == 0, err
