"""The service as processes: what it refuses to serve, what it survives, how it leaves."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ledger.settings import Settings
from scripts.service.notice import find_service, served_at
from scripts.service.serving import serving
from tests.scripts.conftest import VENUE, free_port
from tests.scripts.running import Souche

START = 60  # seconds, on a machine under load


@pytest.fixture(scope="module")
def plain(new_data: Callable[[], Path]) -> Souche:
    """A ledger of its own, whose service runs its database."""
    souche = Souche(new_data())
    souche.do("init")
    return souche


@contextmanager
def served(souche: Souche, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`souche serve`, once it says that it does, and its port."""
    port = free_port()
    with souche.started("serve", "--port", str(port), *words) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert f"http://127.0.0.1:{port}/docs" in said, process.communicate()
        yield process, port


@pytest.fixture(scope="module")
def service(plain: Souche) -> Iterator[tuple[int, int]]:
    """A service for the tests that leave it running: its process id and its port."""
    with served(plain) as (process, port):
        yield process.pid, port


def status(port: int, path: str = "/healthz") -> int:
    """The status of a GET, or 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def descendants(pid: int) -> dict[int, str]:
    """The processes that a process started, by id, with their command lines."""
    ps = ["ps", "-ww", "-eo", "pid=,ppid=,args="]
    listing = subprocess.run(ps, capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listing.stdout.splitlines()]
    found: dict[int, str] = {}
    parents = {pid}
    while parents:
        parents = {int(p) for p, parent, _ in rows if int(parent) in parents}
        found |= {int(p): args for p, _, args in rows if int(p) in parents}
    return found


def until(holds: Callable[[], bool], seconds: float = START) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_demos_data_is_not_served(souche: Souche) -> None:
    told = souche.refuse("serve", "--port", str(free_port()))

    assert "holds a demo's data" in told


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])  # noqa: S104 (it is refused)
def test_an_address_that_others_reach_needs_tls(souche_nowhere: Souche, host: str) -> None:
    told = souche_nowhere.refuse("serve", "--host", host)

    assert "TLS" in told
    assert not souche_nowhere.data.exists()


def test_tls_in_front_needs_its_proxies_counted(
    souche_nowhere: Souche, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUCHE_TLS", "true")

    assert "SOUCHE_PROXIES" in souche_nowhere.refuse("serve")


def test_a_port_that_is_taken_is_told(plain: Souche) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = plain.run("serve", "--port", str(taken.getsockname()[1]))

    assert said.code == 3
    assert "--port" in said.err


def test_commands_attach_to_a_service_that_runs(plain: Souche, service: tuple[int, int]) -> None:
    _, port = service
    until(lambda: _followed(plain))

    plain.do("holder", "register", "region", "Région")
    again = plain.run("serve", "--port", str(port))

    assert status(port) == 200
    assert again.code == 3
    assert "Another service" not in again.err


def test_an_invitation_names_the_service_that_runs(plain: Souche, service: tuple[int, int]) -> None:
    """Whatever port the settings of the command name."""
    plain.do("venue", "register", VENUE, "Médiathèque", "--region", "27", "--department", "21")

    said = plain.run("terminal", "invite", VENUE, "--json", SOUCHE_PORT="9")

    assert said.err == ""
    assert json.loads(said.out)["qr"].startswith(f"souche:127.0.0.1:{service[1]}/")


def test_doctor_and_status_say_where_terminals_reach_the_service(
    plain: Souche, service: tuple[int, int]
) -> None:
    authority = f"127.0.0.1:{service[1]}"

    examined = json.loads(plain.run("doctor", "--json").out)

    (found,) = [each for each in examined if each["about"] == "service"]
    assert (found["verdict"], found["found"]) == ("good", f"at {authority}")
    assert plain.look("status")["service"] == authority
    assert f"Service: at {authority}." in plain.do("status")


def test_a_second_service_on_a_ledger_is_warned(plain: Souche, service: tuple[int, int]) -> None:
    with served(plain) as (process, _):
        assert process.stderr is not None
        told = process.stderr.readline()

    assert f"Another service runs on this ledger, at 127.0.0.1:{service[1]}" in told


def test_of_two_services_the_one_that_is_left_is_named(tmp_path: Path) -> None:
    with ExitStack() as left:
        with served_at(tmp_path, "127.0.0.1:65535"):
            tell = left.enter_context(served_at(tmp_path, "127.0.0.1:80"))
            tell()
            assert find_service(tmp_path) == "127.0.0.1:65535"
        assert find_service(tmp_path) is None
        tell()
        assert find_service(tmp_path) == "127.0.0.1:80"
    assert find_service(tmp_path) is None


def test_a_worker_that_dies_is_replaced(service: tuple[int, int]) -> None:
    pid, port = service
    killed = _workers(pid)

    for worker in killed:
        os.kill(worker, signal.SIGKILL)

    # The socket is the parent's: whoever connects meanwhile waits for the next one.
    assert status(port) == 200
    until(lambda: len(_workers(pid)) == len(killed))
    assert not set(killed) & set(_workers(pid))


def test_followers_that_die_are_replaced(service: tuple[int, int]) -> None:
    pid, _ = service
    (follower,) = _named(pid, "-m projections")

    os.kill(follower, signal.SIGKILL)

    until(lambda: _named(pid, "-m projections") not in ([], [follower]))


def test_a_killed_database_comes_back_under_the_same_service(
    plain: Souche, service: tuple[int, int]
) -> None:
    pid, port = service
    token = (plain.data / "tokens" / "operator").read_text().strip()
    (postmaster,) = _named(pid, "bin/postgres -D")
    workers = _workers(pid)
    seen: list[int] = []

    def recovered() -> bool:
        seen.append(_authorised(port, token))
        return seen[-1] == 200 and _named(pid, "bin/postgres -D") not in ([], [postmaster])

    os.kill(postmaster, signal.SIGKILL)
    until(recovered)

    assert set(seen) <= {200, 503}
    assert _workers(pid) == workers


def test_it_leaves_within_seconds_and_takes_all_with_it(plain: Souche) -> None:
    with served(plain, "--workers", "3") as (process, port):
        started = descendants(process.pid)
        idle = socket.create_connection(("127.0.0.1", port))

        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        process.wait(timeout=30)

        assert time.monotonic() - began < 10
        assert process.returncode == 0
        assert process.stdout is not None
        assert process.stdout.read().startswith(f"Stopped. The data stays in {plain.data};")
        assert idle.recv(1) == b""
        idle.close()
    assert sum("scripts.service.worker" in args for args in started.values()) == 3
    assert status(port) == 0
    until(lambda: not any(_lives(pid) for pid in started), 10)


@pytest.mark.slow
def test_killed_outright_it_leaves_nothing_behind(plain: Souche) -> None:
    with served(plain) as (process, _):
        started = descendants(process.pid)

        process.kill()

        until(lambda: not any(_lives(pid) for pid in started), 30)


@pytest.mark.slow
def test_without_followers_nothing_follows(plain: Souche) -> None:
    with served(plain, "--no-followers") as (process, _):
        assert not _named(process.pid, "-m projections")


@pytest.mark.slow
def test_serving_gives_the_authority_of_a_service(plain: Souche) -> None:
    settings = Settings(data=plain.data, port=free_port(), followers=False)

    with serving(settings) as authority:
        assert authority == f"127.0.0.1:{settings.port}"
        assert status(settings.port) == 200
    assert status(settings.port) == 0


def _followed(souche: Souche) -> bool:
    models = souche.look("status")["read_models"]
    return {model["state"] for model in models} == {"following"}


def _authorised(port: int, token: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/v1/status", headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


def _workers(pid: int) -> list[int]:
    return _named(pid, "scripts.service.worker")


def _named(pid: int, pattern: str) -> list[int]:
    return [found for found, args in descendants(pid).items() if re.search(pattern, args)]


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
