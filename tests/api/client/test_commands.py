"""Both clients' commands, against a service that runs."""

import os
import re
import sys
import uuid
from pathlib import Path
from shutil import which

import pytest

from api.client import Device
from tests.api.ledgers import Served
from tests.api.lossy_proxy import Proxy
from tests.api.operating import invite
from tests.api.test_vectors import needs_curl, needs_openssl
from tests.api.tills import CLIENTS, Run, Till, made, run_program, run_python, run_sh


@pytest.fixture(params=["ed25519", "ecdsa-p256-sha256"])
def algorithm(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(params=CLIENTS)
def new_till(request: pytest.FixtureRequest, algorithm: str, folder: Path, proxy: Proxy) -> Till:
    """A device with a key of its own, by each client."""
    return made(Till(request.param, folder), proxy, algorithm)


def test_a_device_from_its_key_to_a_void(
    new_till: Till, service: Served, carnet: list[str]
) -> None:
    till, folder = new_till, new_till.folder
    enrolled = till.run("enrol", invite(service.operator))
    assert (folder / "terminal").read_text() == enrolled["terminal"]
    assert till.run("check", carnet[0])["redeemable"]

    receipt = till.run("redeem", carnet[0].lower(), carnet[1])
    assert receipt["tickets"] == [1, 2]
    assert receipt["amount_cents"] == 2000
    assert uuid.UUID(receipt["claim_id"]).version == 7
    assert till.run("check", carnet[0])["reason"] == "ticket-already-redeemed"
    assert till.run("redeem", carnet[0], left=1)["reason"] == "ticket-already-redeemed"
    voided = till.run("void", receipt["claim_id"], *carnet[:2])
    assert voided["amount_cents"] == 2000
    assert till.run("redeem", carnet[0])["tickets"] == [1]

    assert till.sequence == 3
    assert till.pending == []
    secret = [folder, folder / "key.pem", folder / "sequence"]
    assert [path.stat().st_mode & 0o077 for path in secret] == [0, 0, 0]


def test_a_batch_has_a_verdict_for_each_claim(till: Till, carnet: list[str]) -> None:
    lines = [carnet[0], f"{carnet[1]} {carnet[2]}", carnet[1], carnet[4]]
    verdicts = till.run("batch", given="".join(f"{line}\n" for line in lines))["verdicts"]

    assert [each["status"] for each in verdicts] == [201, 201, 409, 201]
    assert verdicts[2]["reason"] == "ticket-already-redeemed"
    assert verdicts[1]["tickets"] == [2, 3]
    assert till.sequence == 4
    assert till.pending == []


def test_a_slip_is_told_before_anything_is_sent(
    till: Till, service: Served, proxy: Proxy, carnet: list[str]
) -> None:
    slip = carnet[0][:-2] + carnet[0][:-3:-1]
    before, asked = service.log_size(), len(proxy.passed)

    assert till.run("redeem", slip, left=2) == ""
    assert "not a ticket code" in till.told
    assert slip not in till.told
    assert (service.log_size(), len(proxy.passed)) == (before, asked)
    assert till.pending == []


def test_it_is_a_program(tmp_path: Path) -> None:
    made = [sys.executable, "-m", "api.client", str(tmp_path / "till"), "make", "http://localhost"]

    assert run_program(made, "", "1")[0] == 0
    assert run_program(made, "", "1")[0] == 2, "a device is not overwritten"


@pytest.mark.parametrize("words", [["--help"], ["till", "--help"], ["till", "redeem", "-h"]])
@pytest.mark.parametrize("run", CLIENTS)
def test_help_teaches_each_command_by_an_example(run: Run, words: list[str]) -> None:
    left, said, told = run(words, "", "1")
    its_own = "roll" if run is run_python else "session"

    assert (left, told) == (0, "")
    for word in ["make", "enrol", "check", "redeem", "void", "batch", "resume", its_own]:
        assert re.search(rf"^  {word}\b", said, re.MULTILINE), word
        assert re.search(rf"^          \w.* till {word}\b", said, re.MULTILINE), word
    assert "SOUCHE_PATIENCE" in said
    assert re.search(r"^  4  no answer", said, re.MULTILINE)
    assert max(map(len, said.splitlines())) < 80


@pytest.mark.parametrize("run", CLIENTS)
def test_a_device_that_cannot_ask_yet_is_told_what_comes_first(run: Run, folder: Path) -> None:
    till = Till(run, folder)
    till.run("resume", left=2)
    assert "there is no device" in till.told
    till.run("make", "http://127.0.0.1:8080")
    till.run("resume", left=2)
    assert "not enrolled" in till.told
    till.run("make", "http://127.0.0.1:8080", left=2)
    assert "is there already" in till.told


def test_a_word_too_few_is_told(tmp_path: Path) -> None:
    for words, because in (
        ([], "usage: "),
        (["till"], "after FOLDER"),
        (["till", "sing"], "after FOLDER"),
        ([str(tmp_path), "redeem", "A"], "`make` one there"),
    ):
        left, said, told = run_python(words, "", "1")

        assert (left, said) == (2, "")
        assert because in told


def test_what_is_not_understood_is_told(till: Till) -> None:
    for words in ([], ["redeem"], ["void"], ["void", "a", "b"], ["sing"], ["batch"]):
        assert till.run(*words, left=2) == ""
        assert till.told


def test_an_invitation_is_good_for_one_device(
    tmp_path: Path, service: Served, proxy: Proxy
) -> None:
    invitation = invite(service.operator)
    first, second = (made(Till(run_python, tmp_path / name), proxy) for name in "ab")
    first.run("enrol", invitation)

    assert second.run("enrol", invitation, left=1)["reason"] == "invitation-used"


@needs_openssl
@needs_curl
def test_both_clients_work_on_one_folder(till: Till, carnet: list[str]) -> None:
    clients = [Till(run, till.folder) for run in (run_python, run_sh)]
    for number, one in enumerate([*clients, *clients]):
        one.run("redeem", carnet[number])

    assert till.sequence == 4


@needs_openssl
@needs_curl
def test_the_shell_opens_another_session_where_its_own_has_ended(
    device: Device, folder: Path, carnet: list[str]
) -> None:
    till = Till(run_sh, folder)
    session = till.run("session")
    assert till.run("redeem", carnet[0])
    assert (folder / "session").read_text().split()[0] == session
    device.roll()

    assert till.run("redeem", carnet[1])
    assert (folder / "session").read_text().split()[0] != session


@pytest.mark.parametrize("run", CLIENTS)
def test_no_device_is_made_where_others_could_listen(run: Run, folder: Path) -> None:
    Till(run, folder).run("make", "http://clearing.example.org", left=2)
    assert not folder.exists()


@needs_openssl
@needs_curl
def test_the_shell_passes_no_secret_to_a_program(
    device: Device, folder: Path, tmp_path: Path, carnet: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ps` shows everybody the arguments of every program."""
    programs, log = tmp_path / "programs", tmp_path / "log"
    programs.mkdir()
    for name in ("cat", "cut", "curl", "date", "grep", "mv", "od", "openssl", "sed", "sync", "tr"):
        wrapper = programs / name
        wrapper.write_text(f'#!/bin/sh\necho "{name} $@" >>{log}\nexec {which(name)} "$@"\n')
        wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    Till(run_sh, folder).run("batch", given=f"{carnet[0]}\n")
    _, mac_key, *_ = (folder / "session").read_text().split()
    seen = log.read_text()

    assert "curl" in seen
    assert len(mac_key) == 64
    assert mac_key not in seen
    assert carnet[0] not in seen
