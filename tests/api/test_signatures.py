"""Requests of terminals: exactly one way of signing, and anything else is refused."""

import json
import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha512

import httpx
import pytest
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from api.signatures import SESSION_SECONDS, Sessions
from ledger.secrets import open_secrets
from ledger.values.ids import TerminalId
from tests.api.device import Device, Signed, b64
from tests.api.ledgers import AUTHORITY, Served
from tests.api.operating import Stock, answered

PATH = "/v1/redemptions"

Spoil = Callable[[Signed], object]


def header(name: str, old: str, new: str) -> Spoil:
    """Replace a part of a header."""

    def spoil(signed: Signed) -> None:
        assert old in signed.headers[name]
        signed.headers[name] = signed.headers[name].replace(old, new)

    return spoil


def without(name: str) -> Spoil:
    return lambda signed: signed.headers.pop(name)


SPOILED: dict[str, Spoil] = {
    "no signature": without("signature"),
    "no signature input": without("signature-input"),
    "no digest": without("content-digest"),
    "another label": header("signature-input", "souche=", "sig1="),
    "another label of the signature": header("signature", "souche=", "sig1="),
    "a second signature input": header("signature-input", "souche=", 'other=("@method"), souche='),
    "a second signature": header("signature", "souche=", "other=:AAAA:, souche="),
    "a component less": header("signature-input", '"@path" ', ""),
    "a component more": header("signature-input", '"@path"', '"@path" "@query"'),
    "components in another order": header(
        "signature-input", '"@method" "@authority"', '"@authority" "@method"'
    ),
    "parameters in another order": header("signature-input", ";alg=", ";nonce=1;alg="),
    "another algorithm": header("signature-input", "hmac-sha256", "ed25519"),
    "no algorithm": header("signature-input", ';alg="hmac-sha256"', ""),
    "a space more": header("signature-input", ";keyid", "; keyid"),
    "upper case": header("signature-input", "keyid", "KeyID"),
    "an expiry": header("signature-input", ";alg=", ";expires=9999999999;alg="),
    "created as a decimal": header("signature-input", ";keyid", ".0;keyid"),
    "created with a sign": header("signature-input", "created=", "created=-"),
    "an unknown session": header("signature-input", 'keyid="t-', 'keyid="t-0'),
    "no session": lambda s: s.headers.update(
        {
            "signature-input": s.headers["signature-input"].split("keyid")[0]
            + 'keyid="";alg="hmac-sha256"'
        }
    ),
    "another digest": header("content-digest", "sha-256=:", "sha-256=:AAAA"),
    "another digest algorithm": lambda s: s.headers.update(
        {"content-digest": f"sha-512=:{b64(sha512(s.body).digest())}:"}
    ),
    "a second digest": header("content-digest", "sha-256", "sha-512=:AAAA:, sha-256"),
    "a space in the digest": header("content-digest", "sha-256=", "sha-256 ="),
    "a wrong signature": lambda s: s.headers.update(
        {"signature": f"souche=:{b64encode(bytes(32)).decode()}:"}
    ),
    "a signature without padding": header("signature", "=:", ":"),
    "a trailing comma": header("signature", ":", ":,"),
    "not ASCII": lambda s: s.headers.update({"signature": "souche=:é:"}),
    "empty": lambda s: s.headers.update({"signature": ""}),
    "the path of another route": lambda s: setattr(s, "path", "/v1/checks"),
    "another body": lambda s: setattr(s, "body", s.body + b" "),
}


@pytest.fixture(scope="module")
def body(device: Device, stock: Stock) -> bytes:
    """A claim that has been taken: each time it is sent again it gets the first answer."""
    _, codes = stock.codes.popitem()
    claim = device.claim(codes[0])
    answered(device.post(PATH, claim), 201)
    return json.dumps(claim).encode()


@pytest.mark.parametrize("deviation", SPOILED)
def test_any_deviation_from_the_profile_is_refused(
    shared: Served, device: Device, body: bytes, deviation: str
) -> None:
    signed = device.sign(PATH, body)
    assert device.send(signed).status_code == 200
    SPOILED[deviation](signed)
    before = shared.log_size()

    answer = device.http.post(
        signed.path,
        content=signed.body,
        headers=[
            (name.encode(), value.encode("latin-1")) for name, value in signed.headers.items()
        ],
    )

    assert answered(answer, 401)["reason"] == "unauthenticated"
    assert shared.log_size() == before


@pytest.mark.parametrize("name", ["content-digest", "signature-input", "signature"])
@pytest.mark.parametrize("first", [True, False])
def test_a_header_that_stands_twice_is_refused(
    device: Device, body: bytes, name: str, *, first: bool
) -> None:
    """A proxy in front of us may believe the other one."""
    headers = list(device.sign(PATH, body).headers.items())
    double = (name, "souche=:AAAA:")
    answer = device.http.post(
        PATH, content=body, headers=[double, *headers] if first else [*headers, double]
    )

    assert answered(answer, 401)["reason"] == "unauthenticated"


def test_a_signature_for_another_authority_is_refused(device: Device, body: bytes) -> None:
    elsewhere = Device(
        device.http, "other.example.org", session=device.session, mac_key=device.mac_key
    )

    assert answered(elsewhere.send(elsewhere.sign(PATH, body)), 401)["reason"] == "unauthenticated"


def test_the_host_header_does_not_matter(device: Device, body: bytes) -> None:
    """The authority is configured: a proxy may well change the header."""
    signed = device.sign(PATH, body)
    signed.headers["host"] = "internal:8080"

    assert device.send(signed).status_code == 200


@pytest.mark.parametrize(
    ("skew", "status"), [(-125, 401), (-110, 200), (110, 200), (125, 401), (-(10**9), 401)]
)
def test_the_signature_is_at_most_two_minutes_off(
    device: Device, body: bytes, skew: int, status: int
) -> None:
    answer = device.send(device.sign(PATH, body, created=int(time.time()) + skew))

    assert answer.status_code == status
    if status == 401:
        assert answer.json()["reason"] == "signature-expired"


def test_a_session_that_is_over_is_refused(shared: Served, device: Device, body: bytes) -> None:
    """Made here with the service's own key, because a quarter of an hour is long."""
    sessions = Sessions(open_secrets(shared.data).session_key, AUTHORITY)
    terminal, fingerprint, expires_at, drawn = device.session.split(".")
    past = f"{terminal}.{fingerprint}.{int(expires_at) - SESSION_SECONDS - 5}.{drawn}"
    over = Device(device.http, AUTHORITY, session=past)
    over.mac_key = sessions._read_session(past).mac_key

    assert answered(over.send(over.sign(PATH, body)), 401)["reason"] == "session-ended"
    assert TerminalId(terminal) == device.terminal


def test_a_longer_session_can_not_be_claimed(device: Device, body: bytes) -> None:
    """The id says when it ends, and the MAC key follows from the whole id."""
    terminal, fingerprint, expires_at, drawn = device.session.split(".")
    longer = f"{terminal}.{fingerprint}.{int(expires_at) + 60}.{drawn}"
    other = Device(device.http, AUTHORITY, session=longer, mac_key=device.mac_key)

    assert answered(other.send(other.sign(PATH, body)), 401)["reason"] == "unauthenticated"


def test_another_implementation_of_rfc_9421_is_understood(
    device: Device, carnet: list[str]
) -> None:
    """The `http-message-signatures` package writes our profile, byte for byte, from the RFC."""
    claim = json.dumps(device.claim(carnet[0])).encode()
    request = httpx.Request(
        "POST",
        f"http://{AUTHORITY}{PATH}",
        content=claim,
        headers={
            "content-type": "application/json",
            "content-digest": device.sign(PATH, claim).headers["content-digest"],
        },
    )
    HTTPMessageSigner(
        signature_algorithm=algorithms.HMAC_SHA256,
        key_resolver=MappingKeyResolver(
            public_keys={}, private_keys={device.session: device.mac_key}
        ),
    ).sign(
        request,
        key_id=device.session,
        label="souche",
        covered_component_ids=("@method", "@authority", "@path", "content-digest"),
        body=claim,
        use_existing_digest=True,
    )
    headers = {name: value for name, value in request.headers.items() if name != "host"}

    answer = device.http.post(PATH, content=claim, headers=headers)

    assert answered(answer, 201)["tickets"] == [1]
