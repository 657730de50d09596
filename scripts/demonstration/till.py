"""A till: a device with a key, enrolled and in session. It speaks the protocol of the terminals."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final

from api import client_wire as wire
from ledger.values.clock import unix_now
from scripts.common.ending import CommandError

REDEMPTIONS: Final = "/v1/redemptions"
CREATED: Final = 201


@dataclass(frozen=True, slots=True)
class Claim:
    """Tickets of one carnet for one workshop. The id is made before the first try."""

    id: str
    codes: tuple[str, ...]
    body: bytes


class Till:
    """A device of a venue."""

    def __init__(self, authority: str, invitation: str) -> None:
        """Make a key, enrol it with the invitation, open a session."""
        self.authority = authority
        self._key = wire.make_key(wire.ED25519)
        self._sequence = 0
        http = HTTPConnection(authority)
        try:
            self.id = self._enrol(http, invitation)
            self._session, self._mac_key = self._open_session(http)
        finally:
            http.close()

    def claim(self, codes: Sequence[str]) -> Claim:
        """The next claim of this device."""
        self._sequence += 1
        claim_id = wire.make_id(int(unix_now() * 1000))
        told = {"claim_id": claim_id, "codes": codes, "sequence": self._sequence}
        return Claim(claim_id, tuple(codes), json.dumps(told).encode())

    def request(self, claim: Claim) -> bytes:
        """A redemption as it goes over the wire, signed now."""
        headers = wire.signed_headers(
            self.authority,
            REDEMPTIONS,
            claim.body,
            session=self._session,
            mac_key=self._mac_key,
            created=int(unix_now()),
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {REDEMPTIONS} HTTP/1.1\r\nHost: {self.authority}\r\n{lines}"
            f"Content-Type: application/json\r\nContent-Length: {len(claim.body)}\r\n\r\n"
        )
        return head.encode() + claim.body

    def _enrol(self, http: HTTPConnection, invitation: str) -> str:
        key = wire.public_key(self._key)
        message = wire.device_message("enrol", self.authority, invitation, key)
        told = _post(
            http,
            "/v1/terminals/enrol",
            {
                "invitation": invitation,
                "algorithm": wire.ED25519,
                "public_key": key,
                "signature": wire.sign(self._key, message),
            },
        )
        return str(told["terminal"])

    def _open_session(self, http: HTTPConnection) -> tuple[str, bytes]:
        nonce = _post(http, "/v1/challenges", {"terminal": self.id})["nonce"]
        message = wire.device_message("session", self.authority, self.id, nonce)
        told = _post(
            http,
            "/v1/sessions",
            {
                "terminal": self.id,
                "nonce": nonce,
                "signature": wire.sign(self._key, message),
            },
        )
        return told["session"], wire.decode_base64url(told["mac_key"])


def _post(http: HTTPConnection, path: str, body: dict[str, str]) -> dict[str, Any]:
    http.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = http.getresponse()
    told: dict[str, Any] = json.loads(response.read())
    if response.status != CREATED:
        raise CommandError(f"{path} answered {response.status}: {told.get('reason')}.")
    return told
