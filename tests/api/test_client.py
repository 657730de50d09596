"""Both clients against a service that runs, over somebody who loses requests and answers."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from api import client, client_link, client_wire
from api.client import Device
from api.client_link import Link, OutcomeUnknownError, ProblemError
from tests.api.ledgers import AUTHORITY, Served
from tests.api.lossy_proxy import Loses, Proxy, answer, proxy_to
from tests.api.operating import (
    Stock,
    circulate,
    invite,
    make_stock,
    open_programme,
    open_venue,
    register_holders,
)
from tests.api.test_vectors import SCRIPT, needs_curl, needs_openssl

ROOT = Path(client.__file__).parents[1]
REDEEM, BATCH = "/v1/redemptions", "/v1/redemptions/batch"
UNKNOWN = "BFC22000123403Y5XC1KP2"  # well-formed, and nobody's
BUSY = json.dumps(
    {
        "type": "urn:souche:problem:overloaded",
        "title": "Too busy",
        "status": 503,
        "reason": "overloaded",
        "retry": True,
    }
)
OVERLOADED = answer("503 Busy", "application/problem+json", BUSY, "Retry-After: 1")
NOT_OURS = answer("503 Busy", "application/problem+json", '{"title": "Busy", "status": 503}')
BAD_GATEWAY = answer("502 Bad Gateway", "text/html", "<h1>Bad Gateway</h1>")
names = count(1)


Run = Callable[[list[str], str, str], tuple[int, str, str]]


def run_python(words: list[str], given: str, patience: str) -> tuple[int, str, str]:
    """`python -m api.client`, in this process: starting another takes longer than the work."""
    said, told = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(told):
        patch.setattr(sys, "stdin", StringIO(given))
        patch.setenv("SOUCHE_PATIENCE", patience)
        left = client.main(words)
    return left, said.getvalue(), told.getvalue()


def run_sh(words: list[str], given: str, patience: str) -> tuple[int, str, str]:
    return run_program(["sh", str(SCRIPT), *words], given, patience)


def run_program(words: list[str], given: str, patience: str) -> tuple[int, str, str]:
    done = subprocess.run(
        words,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "SOUCHE_PATIENCE": patience},
    )
    return done.returncode, done.stdout, done.stderr


@dataclass
class Till:
    """A client's command line, and the folder of a device."""

    run_words: Run
    folder: Path
    told: str = ""

    def run(self, *words: str, left: int = 0, given: str = "", patience: int = 30) -> Any:  # noqa: ANN401  # JSON
        """What a command prints, read as JSON where it is."""
        found, said, self.told = self.run_words([str(self.folder), *words], given, str(patience))
        assert found == left, said + self.told
        try:
            return json.loads(said)
        except ValueError:
            return said.strip()

    @property
    def pending(self) -> list[Path]:
        return sorted((self.folder / "pending").iterdir())

    @property
    def sequence(self) -> int:
        return int((self.folder / "sequence").read_text())


CLIENTS = [
    pytest.param(run_python, id="python"),
    pytest.param(run_sh, id="sh", marks=[needs_openssl, needs_curl]),
]
SLOW_SH = [needs_openssl, needs_curl, pytest.mark.slow]  # it waits for a second before a retry


@pytest.fixture(scope="module")
def stock(service: Served) -> Stock:
    """Carnets of five tickets in people's hands, one for each test."""
    register_holders(service.operator)
    open_programme(service.operator)
    made = make_stock(service.operator, 60)
    circulate(service.operator, made)
    return made


@pytest.fixture(scope="module")
def proxy(service: Served) -> Iterator[Proxy]:
    open_venue(service.operator)
    with proxy_to(service.url) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / f"till {next(names)}"  # with a space


def made(till: Till, proxy: Proxy, *algorithm: str) -> Till:
    """A new device that reaches the service by the proxy."""
    till.run("make", proxy.url, *algorithm)
    (till.folder / "authority").write_text(AUTHORITY)
    return till


@pytest.fixture(params=CLIENTS)
def till(request: pytest.FixtureRequest, folder: Path, service: Served, proxy: Proxy) -> Till:
    """An enrolled device, by each client."""
    found = made(Till(request.param, folder), proxy)
    found.run("enrol", invite(service.operator))
    return found


@pytest.fixture
def device(folder: Path, service: Served, proxy: Proxy) -> Iterator[Device]:
    """An enrolled device in this process."""
    made(Till(run_python, folder), proxy)
    with closing(Device(folder)) as found:
        found.enrol(invite(service.operator))
        yield found


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
def test_help_teaches_a_first_ticket(words: list[str]) -> None:
    left, said, told = run_python(words, "", "1")

    assert (left, told) == (0, "")
    assert [f"till {word} " in said for word in ("make", "enrol", "redeem")] == [True] * 3
    assert max(map(len, said.splitlines())) < 80


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


def test_a_claim_whose_answer_is_lost_is_redeemed_once(
    till: Till, service: Served, proxy: Proxy, carnet: list[str]
) -> None:
    """The service had committed. The client sends the same id again, and hears of the first."""
    proxy.will(REDEEM, Loses.ANSWER)
    before = service.log_size()
    receipt = till.run("redeem", carnet[0])

    assert receipt["replayed"]
    assert receipt["position"] == service.log_size() == before + 1
    assert till.pending == []


@pytest.mark.parametrize("till", [CLIENTS[0], pytest.param(run_sh, marks=SLOW_SH)], indirect=True)
@pytest.mark.parametrize(
    "fate",
    [
        pytest.param(Loses.REQUEST, id="lost"),
        pytest.param(OVERLOADED, id="503"),
        pytest.param(NOT_OURS, id="503 by somebody else"),
        pytest.param(BAD_GATEWAY, id="502 by somebody else"),
    ],
)
def test_a_claim_that_the_service_did_not_take_is_sent_again(
    till: Till, service: Served, proxy: Proxy, carnet: list[str], fate: Loses | bytes
) -> None:
    proxy.will(REDEEM, fate)
    before = service.log_size()
    receipt = till.run("redeem", carnet[0])

    assert not receipt["replayed"]
    assert receipt["position"] == service.log_size() == before + 1


def test_a_void_without_an_answer_is_sent_again_with_its_id(
    till: Till, service: Served, proxy: Proxy, carnet: list[str]
) -> None:
    claim_id = till.run("redeem", carnet[0])["claim_id"]
    proxy.will(f"/v1/redemptions/{claim_id}/void", Loses.ANSWER)
    before = service.log_size()

    assert till.run("void", claim_id, carnet[0])["replayed"]
    assert service.log_size() == before + 1


def test_a_batch_without_all_its_verdicts_is_sent_again(
    till: Till, service: Served, proxy: Proxy, carnet: list[str]
) -> None:
    busy = answer("200 OK", "application/json", f'{{"verdicts":[{BUSY.replace(" ", "")}]}}')
    proxy.will(BATCH, Loses.ANSWER, busy)
    before = service.log_size()
    verdicts = till.run("batch", given=f"{carnet[0]}\n{carnet[1]}\n")["verdicts"]

    assert [each["replayed"] for each in verdicts] == [True, True]
    assert service.log_size() == before + 2


def test_what_is_given_up_is_kept_and_resumed(
    till: Till, service: Served, proxy: Proxy, carnet: list[str]
) -> None:
    proxy.will(REDEEM, Loses.ANSWER, *[BAD_GATEWAY] * 9)
    before = service.log_size()
    till.run("redeem", carnet[0], left=4, patience=1)
    [kept] = till.pending
    proxy.will(REDEEM)

    resumed = till.run("resume")
    receipt = resumed.get(kept.name, resumed)  # the one shows ids, the other one answer a line
    assert receipt["claim_id"] == kept.name
    assert receipt["replayed"]
    assert service.log_size() == before + 1
    assert till.pending == []
    assert till.run("resume") in ({}, "")


def test_a_batch_that_is_given_up_is_kept_with_its_ids(
    till: Till, service: Served, proxy: Proxy, carnet: list[str]
) -> None:
    """For as long as the outcome of a single one of its claims is unknown."""
    taken = f'{{"claim_id":"{uuid.uuid4()}","status":201}}'
    unknown = answer("200 OK", "application/json", f'{{"verdicts":[{taken},{BUSY}]}}')
    proxy.will(BATCH, *[unknown] * 9)
    before = service.log_size()
    assert till.run("batch", given=f"{carnet[0]}\n{carnet[1]}\n", left=4, patience=1) == ""
    [kept] = till.pending
    asked = json.loads(kept.read_text().partition("\n")[2])["claims"]
    proxy.will(BATCH)

    resumed = till.run("resume")
    verdicts = resumed.get(kept.name, resumed)["verdicts"]
    assert [each["claim_id"] for each in verdicts] == [each["claim_id"] for each in asked]
    assert service.log_size() == before + 2
    assert till.pending == []


def test_not_to_be_let_in_is_no_answer_to_a_claim(
    till: Till, service: Served, proxy: Proxy, carnet: list[str]
) -> None:
    """The claim stays: whether it was taken is for people to find out."""
    proxy.will(REDEEM, Loses.ANSWER, *[Loses.REQUEST] * 9)
    till.run("redeem", carnet[0], left=4, patience=1)
    proxy.will(REDEEM)
    terminal = (till.folder / "terminal").read_text()
    service.operator.done(f"/v1/terminals/{terminal}/revocations", cause="stolen")
    (till.folder / "session").unlink(missing_ok=True)

    assert till.run("resume", left=1)["reason"] == "terminal-revoked"
    assert len(till.pending) == 1


def test_enrolling_again_after_a_lost_answer_is_right(
    folder: Path, service: Served, proxy: Proxy
) -> None:
    till = made(Till(run_python, folder), proxy)
    proxy.will("/v1/terminals/enrol", Loses.ANSWER)
    before = service.log_size()

    assert till.run("enrol", invite(service.operator))["position"] == before + 2


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


def test_a_device_opens_another_session_where_its_own_has_ended(
    device: Device, folder: Path, carnet: list[str]
) -> None:
    device.redeem(carnet[:1])
    with closing(Device(folder)) as other:
        other.roll()
    device._key = other._key

    assert device.redeem(carnet[1:2])["tickets"] == [2]


def test_requests_share_a_connection_and_a_session(
    device: Device, proxy: Proxy, carnet: list[str]
) -> None:
    before = len(proxy.passed)
    for code in carnet:
        device.redeem([code])

    assert proxy.passed[before:] == ["/v1/challenges", "/v1/sessions", *[REDEEM] * 5]


def test_a_connection_that_broke_in_a_pause_is_opened_again(
    device: Device, carnet: list[str]
) -> None:
    device.redeem(carnet[:1])
    device.link._http.sock.close()
    device.link._http.sock = None

    assert not device.redeem(carnet[1:2])["replayed"]


@pytest.mark.parametrize("ahead", [-86_400, 7 * 86_400])
def test_a_clock_that_is_wrong_does_not_matter(
    device: Device, carnet: list[str], monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """Requests are dated by the service's clock, which each session tells."""
    monkeypatch.setattr(client_link, "time", lambda: time.time() + ahead)

    assert device.check(carnet[:1])["redeemable"]
    assert device.link.skew == pytest.approx(-ahead, abs=2)


def test_a_clock_that_is_set_during_a_session_is_measured_anew(
    device: Device, carnet: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    device.check(carnet[:1])
    monkeypatch.setattr(client_link, "time", lambda: time.time() + 3600)

    assert device.check(carnet[:1])["redeemable"]
    assert device.link.skew == pytest.approx(-3600, abs=2)


@pytest.mark.parametrize("fate", [None, Loses.REQUEST, Loses.ANSWER])
def test_a_key_is_rolled_whatever_gets_lost(
    device: Device, folder: Path, proxy: Proxy, carnet: list[str], fate: Loses | None
) -> None:
    old = device.public_key
    if fate:
        proxy.will("/v1/terminals/roll", fate)
    new = device.roll("ecdsa-p256-sha256")

    assert new == device.public_key == Device(folder).public_key != old
    assert device.redeem(carnet[:1])
    assert not (folder / "next.pem").exists()


def test_a_key_is_rolled_to_the_one_that_was_kept(
    device: Device, folder: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash between the service's commit and our rename."""
    proxy.will("/v1/terminals/roll", Loses.ANSWER, *[Loses.REQUEST] * 99)
    monkeypatch.setattr(device.link, "_patience", 1)
    with pytest.raises(OutcomeUnknownError):
        device.roll()
    kept = client_wire.key_from_pem((folder / "next.pem").read_bytes())
    proxy.will("/v1/terminals/roll")

    with closing(Device(folder)) as restarted:
        assert restarted.roll() == client_wire.public_key(kept)
    assert Device(folder).public_key == client_wire.public_key(kept)


def test_a_problem_says_its_reason_and_whether_to_retry(device: Device, service: Served) -> None:
    with pytest.raises(ProblemError) as refused:
        device.redeem([UNKNOWN])

    assert refused.value.reason == "code-unknown"
    assert refused.value.status == 404
    assert not refused.value.retry
    assert refused.value.told["title_fr"]


def test_a_workshop_is_told_with_the_claim(device: Device, carnet: list[str]) -> None:
    assert device.redeem(carnet[:1], service_code="cv", workshop_id="2022-05-17")["position"]


def test_a_session_is_not_opened_where_others_could_listen() -> None:
    with pytest.raises(ValueError, match="https"):
        Link("http://clearing.example.org", 1, 1)
    assert Link("https://Clearing.Example.org", 1, 1).authority == AUTHORITY


@pytest.mark.parametrize("run", CLIENTS)
def test_no_device_is_made_where_others_could_listen(run: Run, folder: Path) -> None:
    Till(run, folder).run("make", "http://clearing.example.org", left=2)
    assert not folder.exists()


def test_ids_are_uuids_of_version_7_in_the_order_of_their_making() -> None:
    ids = [client_wire.make_id(at) for at in range(1_795_311_612_000, 1_795_311_612_100)]

    assert ids == sorted(ids)
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in ids} == {
        (7, uuid.RFC_4122)
    }
    assert uuid.UUID(ids[0]).int >> 80 == 1_795_311_612_000
    assert len({client_wire.make_id(0) for _ in range(1000)}) == 1000


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
