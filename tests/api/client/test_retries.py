"""Both clients where requests and answers get lost: nothing is done twice, nothing is forgotten."""

import json
import re
import socket
import uuid
from pathlib import Path

import pytest

from tests.api.ledgers import Served
from tests.api.lossy_proxy import Loses, Proxy, answer
from tests.api.operating import invite
from tests.api.test_vectors import needs_curl, needs_openssl
from tests.api.tills import BATCH, CLIENTS, REDEEM, Run, Till, made, run_python, run_sh

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
CODE = "BFC22000123403Y5XC1KP2"  # well-formed, and nobody's
SLOW_SH = [needs_openssl, needs_curl, pytest.mark.slow]  # it waits for a second before a retry


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


def test_who_waits_is_told_for_how_long_and_what_to_do_in_the_end(
    till: Till, proxy: Proxy, carnet: list[str]
) -> None:
    proxy.will(REDEEM, *[OVERLOADED] * 9)
    till.run("redeem", carnet[0], left=4, patience=2)
    first, *_, last = till.told.strip().splitlines()
    proxy.will(REDEEM)

    assert "o answer yet: " in first
    assert "Too busy" in first
    assert re.search(r"the same again, with the same id, in 1 s, for [12] s more", first)
    assert re.search(rf"client.* '{re.escape(str(till.folder))}' resume$", last)
    assert till.run("resume")
    assert till.told == ""


@pytest.mark.parametrize("run", CLIENTS)
def test_a_service_that_is_down_is_told_in_words(run: Run, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    till = Till(run, folder)
    till.run("make", url)
    till.run("enrol", "t-0123456789ab-0", left=4, patience=0)
    assert "Give the same command again later" in till.told
    assert "may have happened" in till.told
    (folder / "terminal").write_text("t-0123456789ab")
    till.run("check", CODE, left=4, patience=0)
    assert "othing was changed. Give the same command again later" in till.told
    assert "may have happened" not in till.told
    till.run("redeem", CODE, left=4, patience=0)

    assert f"iven up: nothing listens at {url}." in till.told
    assert "Errno" not in till.told
    assert "curl:" not in till.told
    assert len(till.pending) == 1


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
