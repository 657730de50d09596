"""A terminal as it behaves in earnest: it signs, it retries, it writes down what it was told."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from itertools import count
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.values.codes import ALPHABET, SECRET_LENGTH, check_character
from ledger.values.keys import decode_base64url, encode_base64url
from loadtests.history import Asked, History, Redeemed, Refused, Unknown, Voided
from loadtests.seeded import Device
from loadtests.wire import Session, Signer, new_claim_id, redemption_body, session_message

RETRY_AFTER = 0.1  # seconds
UNKNOWN = frozenset(
    {0, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}
)  # answers that do not say what happened; 0 is none at all
DONE = (HTTPStatus.OK, HTTPStatus.CREATED)
OVER = frozenset({"session-ended", "signature-expired"})  # reasons to open another session
IN_VAIN = frozenset({"unauthenticated", "terminal-revoked"})  # and not to ask for one again


class SessionRefusedError(RuntimeError):
    """The service does not know this device, or goes by another name than the one signed."""


class Answer(NamedTuple):
    """An HTTP answer; status 0 where none came."""

    status: int
    body: bytes


# Path, body, headers, and the name under which it is counted.
Send = Callable[[str, bytes, dict[str, str], str], Answer]


class Till:
    """One terminal."""

    def __init__(self, device: Device, authority: str, send: Send, history: History) -> None:
        """It opens a session when it first needs one."""
        self._device = device
        self._authority = authority
        self._send = send
        self._history = history
        self._session: Session | None = None
        self._sequence = count(1)

    def redeem(self, codes: Sequence[str], *, twice: bool = False) -> str | None:
        """Redeem tickets of one carnet; return the claim's id, or None where it is refused.

        `twice` sends it once more after the answer, as a terminal does that lost its memory.
        """
        claim = _new_id()
        body = redemption_body(claim, codes, next(self._sequence))
        self._history.write(Asked(claim, self._device.terminal))
        redeemed = self._claim(claim, body, "redeem")
        if twice:
            self._claim(claim, body, "redeem again, the same id")
        return claim if redeemed else None

    def void(self, claim: str, codes: Sequence[str]) -> bool:
        """Take a redemption back; say whether that was accepted."""
        void = _new_id()
        body = json.dumps({"void_id": void, "codes": list(codes)}).encode()
        self._history.write(Asked(void, self._device.terminal))
        answer = self._insist(void, f"/v1/redemptions/{claim}/void", body, "void")
        told = json.loads(answer.body)
        if answer.status not in DONE:
            self._history.write(Refused(void, told["reason"]))
            return False
        self._history.write(Voided(void, told["position"], told["claim_id"]))
        return True

    def check(self, codes: Sequence[str]) -> Answer:
        """Ask whether tickets would be taken. Whatever comes is an answer."""
        return self._signed("/v1/checks", json.dumps({"codes": list(codes)}).encode(), "check")

    def _claim(self, claim: str, body: bytes, name: str) -> bool:
        answer = self._insist(claim, "/v1/redemptions", body, name)
        told = json.loads(answer.body)
        if answer.status not in DONE:
            self._history.write(Refused(claim, told["reason"]))
            return False
        self._history.write(_receipt(told))
        return True

    def _insist(self, asked: str, path: str, body: bytes, name: str) -> Answer:
        """Send the same again until it is known what happened."""
        answer = self._signed(path, body, name)
        while answer.status in UNKNOWN:
            self._history.write(Unknown(asked))
            time.sleep(RETRY_AFTER)
            answer = self._signed(path, body, f"{name}, retried")
        return answer

    def _signed(self, path: str, body: bytes, name: str) -> Answer:
        """Send once, in a session that is still open."""
        while True:
            session = self._session or self.open_session()
            signer = Signer(session, path, int(time.time()))
            answer = self._send(path, body, signer.headers(body), name)
            if answer.status != HTTPStatus.UNAUTHORIZED or _reason(answer) not in OVER:
                return answer
            self._session = None

    def open_session(self) -> Session:
        """Sign a nonce with the device's key; insist until that works.

        Raises:
            SessionRefusedError: it never will.
        """
        terminal = self._device.terminal
        key = Ed25519PrivateKey.from_private_bytes(self._device.private_key)
        while True:
            challenge = self._plain("/v1/challenges", {"terminal": terminal})
            if challenge:
                nonce = challenge["nonce"]
                message = session_message(self._authority, terminal, nonce)
                asked = {"terminal": terminal, "nonce": nonce}
                asked["signature"] = encode_base64url(key.sign(message))
                opened = self._plain("/v1/sessions", asked)
                if opened:
                    mac_key = decode_base64url(opened["mac_key"])
                    self._session = Session(self._authority, opened["session"], mac_key)
                    return self._session
            time.sleep(RETRY_AFTER)

    def _plain(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        answer = self._send(path, json.dumps(body).encode(), headers, path)
        if answer.status in UNKNOWN:
            return {}
        told: dict[str, Any] = json.loads(answer.body)
        if told.get("reason") in IN_VAIN:
            raise SessionRefusedError(told["title"])
        return told if answer.status in DONE else {}


def other_code(code: str) -> str:
    """A well-formed code of the same ticket, which opens nothing."""
    serial = code[: -SECRET_LENGTH - 1]
    while True:
        secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
        check = check_character(serial + secret)
        if check and serial + secret + check != code:
            return serial + secret + check


def _new_id() -> str:
    return new_claim_id(time.time_ns() // 1_000_000)


def _receipt(told: dict[str, Any]) -> Redeemed:
    return Redeemed(
        told["claim_id"],
        told["position"],
        told["carnet"],
        tuple(told["tickets"]),
        told["amount_cents"],
    )


def _reason(answer: Answer) -> str:
    return str(json.loads(answer.body).get("reason", ""))
