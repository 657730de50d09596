"""A terminal asks again, the same thing with the same id, until it knows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.values.codes import make_codes, parse_code
from ledger.values.ids import TerminalId, VenueId
from ledger.values.keys import decode_base64url, session_message
from loadtests.history import History, Told, read_history
from loadtests.seeded import Device
from loadtests.till import Answer, SessionRefusedError, Till, other_code

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
DEVICE = Device(TerminalId("t-0123456789ab"), VenueId("21250056500016"), "f" * 16, bytes(32))
CODES = make_codes(bytes(32), "BFC22", 1, 5)
RECEIPT = {"position": 7, "carnet": "BFC22-0000001", "tickets": [1], "amount_cents": 1000}

NOTHING: tuple[int, dict[str, Any]] = (0, {})
BUSY = (503, {"reason": "unavailable"})
SPENT = (401, {"reason": "session-ended"})
TAKEN = (409, {"reason": "ticket-already-redeemed"})
DONE = (201, RECEIPT)
AGAIN = (200, RECEIPT)


class Counterpart:
    """The other end of the wire: it opens sessions, and gives the answers that it was told."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self.answers = iter(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sessions = 0

    def send(self, path: str, body: bytes, headers: dict[str, str], _: str) -> Answer:
        told = json.loads(body)
        if path == "/v1/challenges":
            return Answer(201, b'{"nonce":"n"}')
        if path == "/v1/sessions":
            message = session_message("here:1", DEVICE.terminal, "n")
            KEY.public_key().verify(decode_base64url(told["signature"]), message)
            self.sessions += 1
            return Answer(201, b'{"session":"s-%d","mac_key":"AA"}' % self.sessions)
        assert f'keyid="s-{self.sessions}"' in headers["Signature-Input"]
        self.asked.append((path, told))
        status, answer = next(self.answers)
        claim = told.get("claim_id") or path.split("/")[3]
        return Answer(status, json.dumps({"claim_id": claim, **answer}).encode())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with History(path) as found:
        yield found


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.till.RETRY_AFTER", 0)


def told(history: History, path: Path) -> Told:
    history.close()
    return read_history(path)


def till(counterpart: Counterpart, history: History) -> Till:
    return Till(DEVICE, "here:1", counterpart.send, history)


def test_an_unknown_outcome_is_asked_for_with_the_same_id(history: History, path: Path) -> None:
    counterpart = Counterpart(NOTHING, BUSY, AGAIN)

    claim = till(counterpart, history).redeem(CODES[:1])

    assert len(counterpart.asked) == 3
    assert {asked["claim_id"] for _, asked in counterpart.asked} == {claim}
    found = told(history, path)
    assert found.receipts.keys() == found.unknown == found.asked.keys() == {claim}
    assert found.unanswered == set()


def test_a_refusal_is_an_answer(history: History, path: Path) -> None:
    counterpart = Counterpart(TAKEN)

    assert till(counterpart, history).redeem(CODES[:1]) is None

    found = told(history, path)
    assert list(found.refused.values()) == ["ticket-already-redeemed"]
    assert not found.receipts


def test_a_session_that_is_over_is_opened_anew(history: History) -> None:
    counterpart = Counterpart(SPENT, DONE, DONE)
    terminal = till(counterpart, history)

    assert terminal.redeem(CODES[:1])
    assert terminal.redeem(CODES[1:2])

    assert counterpart.sessions == 2
    assert [asked["sequence"] for _, asked in counterpart.asked] == [1, 1, 2]


def test_a_session_that_is_refused_is_not_insisted_on(history: History) -> None:
    """The device is unknown there, or it signed another name than the service's own."""

    def refuse(path: str, body: bytes, headers: dict[str, str], _: str) -> Answer:
        if path == "/v1/challenges":
            return Answer(201, b'{"nonce":"n"}')
        return Answer(401, b'{"reason":"unauthenticated","title":"The signature is wrong"}')

    terminal = Till(DEVICE, "here:1", refuse, history)

    with pytest.raises(SessionRefusedError, match="signature is wrong"):
        terminal.redeem(CODES[:1])


def test_a_forgotten_answer_is_asked_for_again(history: History, path: Path) -> None:
    counterpart = Counterpart(DONE, AGAIN)

    assert till(counterpart, history).redeem(CODES[:1], twice=True)

    assert counterpart.asked[0] == counterpart.asked[1]
    assert told(history, path).contradicted == []


def test_another_answer_than_the_first_one_is_kept(history: History, path: Path) -> None:
    counterpart = Counterpart(DONE, (200, {**RECEIPT, "position": 8}))

    till(counterpart, history).redeem(CODES[:1], twice=True)

    assert len(told(history, path).contradicted) == 1


def test_a_void_carries_the_claim_and_the_codes(history: History, path: Path) -> None:
    counterpart = Counterpart(NOTHING, DONE)

    assert till(counterpart, history).void("c-1", CODES[:1])

    (where, asked), again = counterpart.asked
    assert (where, asked["codes"]) == ("/v1/redemptions/c-1/void", [CODES[0]])
    assert again == (where, asked)
    assert told(history, path).receipts.keys() == {asked["void_id"]}


def test_what_was_asked_and_not_answered_is_known(history: History, path: Path) -> None:
    """The terminal's process may end at any point: what it asked was written before."""
    with pytest.raises(StopIteration):  # the counterpart has no answer left
        till(Counterpart(NOTHING), history).redeem(CODES[:1])

    assert len(told(history, path).unanswered) == 1


def test_a_guess_is_well_formed_and_another_code_of_the_same_ticket() -> None:
    guess = parse_code(other_code(CODES[2]))

    assert (guess.carnet, guess.ticket) == ("BFC22-0000001", 3)
    assert guess.text != CODES[2]
