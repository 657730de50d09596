import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest

from ledger.values import keys
from loadtests.wire import (
    Session,
    Signer,
    batch_body,
    new_claim_id,
    redemption_body,
    session_message,
    unsigned_post,
)

SESSION = Session(authority="127.0.0.1:8080", id="s-1", mac_key=b"0123456789abcdef0123456789abcdef")
PARAMETERS = (
    '("@method" "@authority" "@path" "content-digest")'
    ';created=1795311612;keyid="s-1";alg="hmac-sha256"'
)


def parsed(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, value in (f.split(": ", 1) for f in fields)}
    assert len(headers) == len(fields)
    return line, headers, body


def test_a_request_is_whole() -> None:
    line, headers, body = parsed(Signer(SESSION, "/v1/redemptions", 1795311612).post(b"{}"))

    assert line == "POST /v1/redemptions HTTP/1.1"
    assert headers["host"] == "127.0.0.1:8080"
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == "2"
    assert headers["signature-input"] == f"souche={PARAMETERS}"
    assert body == b"{}"


def test_the_mac_covers_the_five_lines_of_the_profile() -> None:
    body = b'{"claim_id":"x"}'
    _, headers, _ = parsed(Signer(SESSION, "/v1/redemptions", 1795311612).post(body))
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    base = "\n".join(
        [
            '"@method": POST',
            '"@authority": 127.0.0.1:8080',
            '"@path": /v1/redemptions',
            f'"content-digest": sha-256=:{digest}:',
            f'"@signature-params": {PARAMETERS}',
        ]
    )
    mac = base64.b64encode(hmac.digest(SESSION.mac_key, base.encode(), "sha256")).decode()

    assert headers["content-digest"] == f"sha-256=:{digest}:"
    assert headers["signature"] == f"souche=:{mac}:"


def test_the_mac_is_the_one_that_openssl_makes() -> None:
    """`openssl dgst -sha256 -mac HMAC` over the same five lines, made once by hand."""
    _, headers, _ = parsed(Signer(SESSION, "/v1/redemptions", 1795311612).post(b"{}"))

    assert headers["content-digest"] == "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"
    assert headers["signature"] == "souche=:TWAdm+bAVMQ9pwj2NpGqZiGT7cRuX7t0L1MpdA8I7x0=:"


def test_a_claim_id_is_a_uuid_of_version_7_that_carries_its_instant() -> None:
    at_ms = time.time_ns() // 1_000_000
    text = new_claim_id(at_ms)
    claim_id = uuid.UUID(text)

    assert text == str(claim_id)
    assert claim_id.version == 7
    assert claim_id.variant == uuid.RFC_4122
    assert claim_id.int >> 80 == at_ms


def test_claim_ids_of_one_instant_differ() -> None:
    assert len({new_claim_id(0) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("codes", [("A1",), ("A1", "A2")])
def test_bodies_are_the_protocols_json_on_one_line(codes: tuple[str, ...]) -> None:
    one = redemption_body("c-1", codes, 17)
    claim = {"claim_id": "c-1", "codes": list(codes), "sequence": 17}

    assert json.loads(one) == claim
    assert json.loads(batch_body([one, one])) == {"claims": [claim, claim]}
    assert b"\n" not in one


def test_an_unsigned_request_has_no_signature() -> None:
    line, headers, body = parsed(unsigned_post("localhost:80", "/redemptions", b"{}"))

    assert line == "POST /redemptions HTTP/1.1"
    assert set(headers) == {"host", "content-type", "content-length"}
    assert body == b"{}"


def test_headers_are_those_of_the_whole_request() -> None:
    signer = Signer(SESSION, "/v1/redemptions", 1795311612)
    _, whole, _ = parsed(signer.post(b"{}"))
    headers = {name.lower(): value for name, value in signer.headers(b"{}").items()}

    assert headers == {name: whole[name] for name in headers}
    assert whole.keys() - headers.keys() == {"host", "content-length"}


def test_a_session_is_opened_by_signing_what_the_service_expects() -> None:
    told = ("127.0.0.1:8080", "t-0123456789ab", "n")

    assert session_message(*told) == keys.session_message(*told)
