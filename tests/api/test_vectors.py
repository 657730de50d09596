"""The service, the Python client, the shell client and a library of others agree on every byte."""

import json
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from api import client_wire, signatures
from api.client_wire import Key, decode_base64url, key_from_pem
from api.problems import ProblemError
from api.signatures import Sessions, check_body
from ledger.values import codes, keys
from ledger.values.codes import MalformedCodeError, Pepper, parse_code, shown
from tests.api import vectors
from tests.api.vectors import Case

SCRIPT = Path(client_wire.__file__).with_name("client.sh")
SERVER_MESSAGES: dict[str, Callable[..., bytes]] = {
    "session": keys.session_message,
    "enrol": keys.enrolment_message,
    "roll": keys.roll_message,
}
CASES = vectors.vectors()


def version_of_openssl() -> str:
    openssl = shutil.which("openssl")
    if openssl is None:
        return "none"
    return subprocess.run([openssl, "version"], capture_output=True, text=True, check=True).stdout


needs_openssl = pytest.mark.skipif(
    not version_of_openssl().startswith("OpenSSL 3"), reason="client.sh needs OpenSSL 3 or later"
)
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="client.sh needs curl")


def cases(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES[name])


def shell(function: str, *arguments: str | Path, given: bytes = b"") -> bytes:
    """What a function of client.sh prints."""
    done = subprocess.run(
        ["sh", SCRIPT, "try", function, *arguments], input=given, capture_output=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The private keys, by algorithm."""
    folder = tmp_path_factory.mktemp("keys")
    for case in CASES["keys"]:
        (folder / case["algorithm"]).write_text(case["private_pem"])
    return {case["algorithm"]: folder / case["algorithm"] for case in CASES["keys"]}


def private_key(algorithm: str) -> Key:
    found = next(case for case in CASES["keys"] if case["algorithm"] == algorithm)
    return key_from_pem(found["private_pem"].encode())


def verified(case: Case, signature: str) -> bool:
    """Whether the service takes this signature of the case's message."""
    encoded = client_wire.public_key(private_key(case["algorithm"]))
    key = keys.public_key(case["algorithm"], encoded)
    return key.verify(decode_base64url(signature), case["message"].encode())


def test_the_file_is_what_the_protocol_says() -> None:
    """After a change that is meant: python -m tests.api.vectors --write."""
    assert vectors.FILE.read_text("utf-8") == vectors.text()


@cases("keys")
def test_public_keys(case: Case) -> None:
    key = private_key(case["algorithm"])

    assert client_wire.algorithm_of(key) == case["algorithm"]
    assert client_wire.public_key(key) == case["public_key"]
    assert client_wire.key_to_pem(key).decode() == case["private_pem"]
    assert keys.fingerprint(case["public_key"]) == case["fingerprint"]


@needs_openssl
@needs_curl
@cases("keys")
def test_public_keys_in_the_shell(case: Case, pems: dict[str, Path]) -> None:
    assert shell("algorithm", pems[case["algorithm"]]).decode().strip() == case["algorithm"]
    assert shell("public_key", pems[case["algorithm"]]).decode() == case["public_key"]


@cases("device_signatures")
def test_device_signatures(case: Case) -> None:
    message = client_wire.device_message(case["kind"], *case["parts"])
    signature = client_wire.sign(private_key(case["algorithm"]), message)

    assert message.decode() == case["message"]
    assert SERVER_MESSAGES[case["kind"]](*case["parts"]) == message
    assert verified(case, signature)
    assert verified(case, case["signature"])
    assert case["algorithm"] != "ed25519" or signature == case["signature"]


@needs_openssl
@needs_curl
@cases("device_signatures")
def test_device_signatures_in_the_shell(case: Case, pems: dict[str, Path], tmp_path: Path) -> None:
    message = tmp_path / "message"
    message.write_bytes(shell("device_message", case["kind"], *case["parts"]))
    signature = shell("sign", pems[case["algorithm"]], message).decode()

    assert message.read_text() == case["message"]
    assert verified(case, signature)
    assert case["algorithm"] != "ed25519" or signature == case["signature"]


@needs_openssl
@needs_curl
@pytest.mark.parametrize(("r", "s"), [(1, 2**256 - 1), (2**255, 2**248 - 1), (2**247, 15)])
def test_r_and_s_have_32_bytes_whatever_der_makes_of_them(r: int, s: int) -> None:
    """DER leaves out leading zeros, and adds one before a high bit."""
    raw = shell("raw_signature", given=encode_dss_signature(r, s))

    assert raw == r.to_bytes(32, "big") + s.to_bytes(32, "big")


@cases("refused_device_signatures")
def test_refused_device_signatures(case: Case) -> None:
    assert not verified(case, case["signature"])


@cases("session_keys")
def test_session_keys(case: Case) -> None:
    sessions = Sessions(bytes.fromhex(case["server_secret_hex"]), vectors.AUTHORITY)
    found = sessions._read_session(case["session"])

    assert found.mac_key == decode_base64url(case["mac_key"])
    assert found.mac_key.hex() == case["mac_key_hex"]
    assert found.terminal == vectors.TERMINAL


@needs_openssl
@needs_curl
@cases("session_keys")
def test_session_keys_by_openssl_and_in_the_shell(case: Case) -> None:
    options = ["digest:SHA256", f"hexkey:{case['server_secret_hex']}", f"info:{case['info']}"]
    given = [part for option in options for part in ("-kdfopt", option)]
    derived = subprocess.run(
        ["openssl", "kdf", "-keylen", "32", "-binary", *given, "HKDF"],
        capture_output=True,
        check=True,
    ).stdout

    assert derived.hex() == case["mac_key_hex"]
    assert shell("hex_of_base64url", case["mac_key"]).decode() == case["mac_key_hex"]


@cases("requests")
def test_requests(case: Case) -> None:
    body = case["body"].encode()
    digest = client_wire.content_digest(body)
    told = client_wire.signature_base(
        case["authority"], case["path"], case["session"], case["created"], digest
    )
    headers = client_wire.signed_headers(
        case["authority"],
        case["path"],
        body,
        session=case["session"],
        mac_key=decode_base64url(case["mac_key"]),
        created=case["created"],
    )

    assert told[1] == case["signature_base"]
    assert headers == case["headers"]


@needs_openssl
@needs_curl
@cases("requests")
def test_requests_in_the_shell(case: Case, tmp_path: Path) -> None:
    body, key = tmp_path / "body", decode_base64url(case["mac_key"]).hex()
    body.write_text(case["body"])
    headers = shell(
        "signed_headers",
        case["authority"],
        case["path"],
        body,
        case["session"],
        key,
        str(case["created"]),
    )
    mac = shell("hmac", key, given=case["signature_base"].encode())

    assert mac.hex() == case["mac_hex"]
    assert dict(line.split(": ", 1) for line in headers.decode().splitlines()) == case["headers"]


@cases("requests")
def test_the_service_takes_these_requests_at_their_time_and_no_others(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(vectors.SERVER_SECRET, case["authority"])
    headers = {name.lower().encode(): value.encode() for name, value in case["headers"].items()}
    body = case["body"].encode()
    at = {"created": case["created"]}
    monkeypatch.setattr(signatures, "unix_now", lambda: at["created"])

    def opened(path: str = case["path"], body: bytes = body) -> str | None:
        try:
            signer = sessions.authenticate("POST", path.encode(), headers)
            check_body(headers, body)
        except ProblemError as e:
            return e.problem.reason
        return signer.terminal

    assert opened() == vectors.TERMINAL
    assert opened(path="/v1/other") == "unauthenticated"
    assert opened(body=body + b" ") == "unauthenticated"
    at["created"] += 120
    assert opened() == vectors.TERMINAL
    at["created"] += 1
    assert opened() == "signature-expired"


@cases("requests")
def test_a_library_of_rfc_9421_takes_these_requests(case: Case) -> None:
    library: Any = pytest.importorskip("http_message_signatures")
    request = SimpleNamespace(
        method="POST", url=f"https://{case['authority']}{case['path']}", headers=case["headers"]
    )
    mac_key = decode_base64url(case["mac_key"])
    verifier = library.HTTPMessageVerifier(
        signature_algorithm=library.algorithms.HMAC_SHA256,
        key_resolver=library.MappingKeyResolver(
            public_keys={case["session"]: mac_key}, private_keys={}
        ),
    )
    age = timedelta(days=100_000)
    [found] = verifier.verify(request, max_age=age, body=case["body"].encode())

    assert found.parameters["keyid"] == case["session"]
    assert found.body == case["body"].encode()


@cases("check_characters")
def test_check_characters(case: Case) -> None:
    assert client_wire.check_character(case["payload"]) == case["check"]
    assert codes.check_character(case["payload"]) == case["check"]


@needs_openssl
@needs_curl
@cases("check_characters")
def test_check_characters_in_the_shell(case: Case) -> None:
    printed = shell("check_character", case["payload"]).decode()

    assert printed.strip() == (case["check"] or "")


@cases("codes")
def test_codes(case: Case) -> None:
    read = parse_code(case["typed"])

    assert (read.text, read.carnet, read.ticket) == (
        case["normalised"],
        case["carnet"],
        case["ticket"],
    )
    assert parse_code(shown(read.text)) == read
    assert client_wire.read_code(case["typed"]) == case["normalised"]


@needs_openssl
@needs_curl
@cases("codes")
def test_codes_in_the_shell(case: Case) -> None:
    assert shell("read_code", case["typed"]).decode() == case["normalised"] + "\n"


@cases("malformed_codes")
def test_malformed_codes(case: Case) -> None:
    with pytest.raises(MalformedCodeError):
        parse_code(case["typed"])
    with pytest.raises(ValueError, match="not a ticket code"):
        client_wire.read_code(case["typed"])


@needs_openssl
@needs_curl
@cases("malformed_codes")
def test_malformed_codes_in_the_shell(case: Case) -> None:
    with pytest.raises(subprocess.CalledProcessError) as left:
        shell("read_code", case["typed"])
    assert (left.value.returncode, left.value.stdout) == (1, b"")


@cases("code_digests")
def test_code_digests(case: Case) -> None:
    assert Pepper(bytes.fromhex(case["pepper_hex"])).digest(case["code"]) == case["digest"]


def test_the_file_is_plain_json() -> None:
    """Whoever reads it has no parser of ours: no comments, no NaN, each note a sentence."""
    read = json.loads(vectors.FILE.read_bytes())
    notes = [case["note"] for group in read.values() for case in group if "note" in case]

    assert all(note.endswith(".") for note in notes)
    macs = {case["headers"]["Signature"] for case in read["requests"]}
    assert all(len(b64decode(mac[8:-1])) == 32 for mac in macs)
