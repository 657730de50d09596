"""A terminal as its maker would write it from the documentation; it shares no code with us."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.operating import answered

COVERED = '("@method" "@authority" "@path" "content-digest")'


def b64u(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@dataclass
class Signed:
    """A request as it goes out; tests spoil one part of it."""

    path: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Device:
    """A device with an Ed25519 key."""

    http: httpx.Client
    authority: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    terminal: str = ""
    session: str = ""
    mac_key: bytes = b""
    counter: "count[int]" = field(default_factory=count)

    @property
    def public_key(self) -> str:
        return b64u(self.key.public_key().public_bytes_raw())

    def enrol(self, invitation: str) -> None:
        answer = answered(
            self.http.post("/v1/terminals/enrol", json=self.enrolment(invitation)), 201
        )
        self.terminal = answer["terminal"]

    def enrolment(self, invitation: str) -> dict[str, str]:
        told = f"souche-enrol-v1\n{self.authority}\n{invitation}\n{self.public_key}"
        return {
            "invitation": invitation,
            "algorithm": "ed25519",
            "public_key": self.public_key,
            "signature": b64u(self.key.sign(told.encode())),
        }

    def challenge(self) -> str:
        asked = {"terminal": self.terminal}
        nonce: str = answered(self.http.post("/v1/challenges", json=asked), 201)["nonce"]
        return nonce

    def proof(self, nonce: str) -> dict[str, str]:
        told = f"souche-session-v1\n{self.authority}\n{self.terminal}\n{nonce}"
        return {
            "terminal": self.terminal,
            "nonce": nonce,
            "signature": b64u(self.key.sign(told.encode())),
        }

    def open_session(self) -> None:
        proof = self.proof(self.challenge())
        opened = answered(self.http.post("/v1/sessions", json=proof), 201)
        self.session = opened["session"]
        self.mac_key = base64.urlsafe_b64decode(opened["mac_key"] + "=")

    def roll(self, new: Ed25519PrivateKey | None = None) -> Ed25519PrivateKey:
        """Replace the key; give the old one."""
        old, new = self.key, new or Ed25519PrivateKey.generate()
        answered(self.http.post("/v1/terminals/roll", json=self.rolling(new)), 201)
        self.key = new
        return old

    def rolling(self, new: Ed25519PrivateKey) -> dict[str, str]:
        """What asks for `new` in place of our key."""
        nonce, public = self.challenge(), b64u(new.public_key().public_bytes_raw())
        told = f"souche-roll-v1\n{self.authority}\n{self.terminal}\n{nonce}\n{public}".encode()
        return {
            "terminal": self.terminal,
            "nonce": nonce,
            "algorithm": "ed25519",
            "public_key": public,
            "signature": b64u(new.sign(told)),
            "old_signature": b64u(self.key.sign(told)),
        }

    def sign(self, path: str, body: bytes, *, created: int | None = None) -> Signed:
        content_digest = f"sha-256=:{b64(hashlib.sha256(body).digest())}:"
        made = int(time.time()) if created is None else created
        parameters = f'{COVERED};created={made};keyid="{self.session}";alg="hmac-sha256"'
        base = "\n".join(
            [
                '"@method": POST',
                f'"@authority": {self.authority}',
                f'"@path": {path}',
                f'"content-digest": {content_digest}',
                f'"@signature-params": {parameters}',
            ]
        )
        mac = hmac.digest(self.mac_key, base.encode(), "sha256")
        headers = {
            "content-type": "application/json",
            "content-digest": content_digest,
            "signature-input": f"souche={parameters}",
            "signature": f"souche=:{b64(mac)}:",
        }
        return Signed(path, body, headers)

    def send(self, signed: Signed) -> httpx.Response:
        return self.http.post(signed.path, content=signed.body, headers=signed.headers)

    def post(self, path: str, body: object) -> httpx.Response:
        return self.send(self.sign(path, json.dumps(body).encode()))

    def claim(self, *codes: str, **changes: object) -> dict[str, Any]:
        return {
            "claim_id": str(uuid4()),
            "codes": list(codes),
            "sequence": next(self.counter),
            **changes,
        }

    def redeem(self, *codes: str, **changes: object) -> httpx.Response:
        return self.post("/v1/redemptions", self.claim(*codes, **changes))

    def void(self, claim_id: str, *codes: str, **changes: object) -> httpx.Response:
        body = {"void_id": str(uuid4()), "codes": list(codes), **changes}
        return self.post(f"/v1/redemptions/{claim_id}/void", body)

    def check(self, *codes: str) -> httpx.Response:
        return self.post("/v1/checks", {"codes": list(codes)})
