"""Makes `api/vectors.json`, from the protocol's description alone: nothing of ours is imported.

`python -m tests.api.vectors --write` writes it anew. Terminals are built against these bytes, so
from the first tagged release on a changed case is a change of the protocol.
"""

import hashlib
import hmac
import json
import sys
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

FILE = Path(__file__).parents[2] / "api" / "vectors.json"

Case = dict[str, Any]

AUTHORITY = "127.0.0.1:8080"
TERMINAL = "t-0123456789ab"
CREATED = 1795311612  # 2026-11-22T01:40:12Z
ED25519_SEED = bytes(range(32))
P256_SCALAR = int.from_bytes(bytes(range(1, 33)), "big")
SERVER_SECRET = bytes(range(64, 96))
PEPPER = b"a pepper of 32 bytes, as a test."
CLAIM = "019a0124-b2c0-7abc-8def-0123456789ab"
VOID = "019a0124-b6a8-7abc-9def-0123456789ab"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODES = ["BFC22000123403Y5XC1KP2", "BFC220001234013XVG4RP1", "00999999999832GJHR5"]


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def vectors() -> Case:
    """Everything that the file holds."""
    return {
        "about": "Cases for whoever makes a terminal. base64url is without padding; all text is "
        "UTF-8; \\n is one line feed. The keys are examples: never use them.",
        "keys": keys(),
        "device_signatures": device_signatures(),
        "refused_device_signatures": refused_device_signatures(),
        "session_keys": session_keys(),
        "requests": requests(),
        "check_characters": check_characters(),
        "codes": codes(),
        "malformed_codes": malformed_codes(),
        "code_digests": code_digests(),
    }


def private_keys() -> dict[str, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey]:
    return {
        "ed25519": ed25519.Ed25519PrivateKey.from_private_bytes(ED25519_SEED),
        "ecdsa-p256-sha256": ec.derive_private_key(P256_SCALAR, ec.SECP256R1()),
    }


def public_bytes(algorithm: str) -> bytes:
    key = private_keys()[algorithm].public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.public_bytes_raw()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def keys() -> list[Case]:
    notes = {
        "ed25519": "The private key is the bytes 00 01 … 1f. Public: 32 bytes.",
        "ecdsa-p256-sha256": "The private key is the number 0x0102…20. Public: the uncompressed "
        "point, 65 bytes: 04, x, y.",
    }
    return [
        {
            "note": notes[algorithm],
            "algorithm": algorithm,
            "private_pem": key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode(),
            "public_key": base64url(public_bytes(algorithm)),
            "fingerprint": hashlib.sha256(public_bytes(algorithm)).hexdigest()[:16],
        }
        for algorithm, key in private_keys().items()
    ]


def signature(algorithm: str, message: str) -> bytes:
    key = private_keys()[algorithm]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message.encode())
    r, s = decode_dss_signature(p256_der(message))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def p256_der(message: str) -> bytes:
    key = private_keys()["ecdsa-p256-sha256"]
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not the P-256 key")
    return key.sign(message.encode(), ec.ECDSA(SHA256(), deterministic_signing=True))


def device_signatures() -> list[Case]:
    nonce = f"{CREATED + 120}.00112233445566778899aabb.fedcba98765432100123456789abcdef"
    invitation = f"{TERMINAL}-00112233445566778899aabbccddee"
    cases = []
    for algorithm in private_keys():
        public = base64url(public_bytes(algorithm))
        differs = "" if algorithm == "ed25519" else " ECDSA's differ each time: verify yours."
        cases += [
            device_signature(algorithm, f"{note}{differs}", kind, AUTHORITY, *parts)
            for kind, note, *parts in (
                ("session", "Authority, terminal, the nonce as it came.", TERMINAL, nonce),
                ("enrol", "Authority, invitation, public key as sent.", invitation, public),
                (
                    "roll",
                    "Authority, terminal, nonce, new key; by the old key and by the new.",
                    TERMINAL,
                    nonce,
                    public,
                ),
            )
        ]
    return cases


def device_signature(algorithm: str, note: str, kind: str, *parts: str) -> Case:
    message = "\n".join([f"souche-{kind}-v1", *parts])
    return {
        "note": note,
        "algorithm": algorithm,
        "kind": kind,
        "parts": list(parts),
        "message": message,
        "signature": base64url(signature(algorithm, message)),
    }


def refused_device_signatures() -> list[Case]:
    message = f"souche-session-v1\n{AUTHORITY}\n{TERMINAL}\na nonce"
    other = message.replace(AUTHORITY, "clearing.example.org")
    return [
        {
            "note": note,
            "algorithm": algorithm,
            "message": message,
            "signature": base64url(signed),
        }
        for note, algorithm, signed in (
            ("For another authority.", "ed25519", signature("ed25519", other)),
            ("A line feed at the end.", "ed25519", signature("ed25519", message + "\n")),
            ("In DER, where r and s are due.", "ecdsa-p256-sha256", p256_der(message)),
            (
                "s before r.",
                "ecdsa-p256-sha256",
                signature("ecdsa-p256-sha256", message)[32:]
                + signature("ecdsa-p256-sha256", message)[:32],
            ),
        )
    ]


def session_id(algorithm: str = "ed25519") -> str:
    fingerprint = hashlib.sha256(public_bytes(algorithm)).hexdigest()[:16]
    return f"{TERMINAL}.{fingerprint}.{CREATED + 900}.0123456789abcdef"


def mac_key(session: str) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt; 32 bytes are one block."""
    extracted = hmac.digest(bytes(32), SERVER_SECRET, "sha256")
    return hmac.digest(extracted, f"souche-mac-v1 {session}".encode() + b"\x01", "sha256")


def session_keys() -> list[Case]:
    return [
        {
            "note": "The service's part; a terminal takes the key from the answer to its session, "
            "and the session's id as it is. HKDF-SHA256, no salt, 32 bytes.",
            "server_secret_hex": SERVER_SECRET.hex(),
            "session": session,
            "info": f"souche-mac-v1 {session}",
            "mac_key": base64url(mac_key(session)),
            "mac_key_hex": mac_key(session).hex(),
        }
        for session in (session_id(), session_id("ecdsa-p256-sha256"))
    ]


def request(note: str, authority: str, path: str, body: str) -> Case:
    session = session_id()
    digest = f"sha-256=:{base64(hashlib.sha256(body.encode()).digest())}:"
    parameters = (
        '("@method" "@authority" "@path" "content-digest")'
        f';created={CREATED};keyid="{session}";alg="hmac-sha256"'
    )
    base = "\n".join(
        [
            '"@method": POST',
            f'"@authority": {authority}',
            f'"@path": {path}',
            f'"content-digest": {digest}',
            f'"@signature-params": {parameters}',
        ]
    )
    mac = hmac.digest(mac_key(session), base.encode(), "sha256")
    return {
        "note": note,
        "authority": authority,
        "path": path,
        "session": session,
        "mac_key": base64url(mac_key(session)),
        "created": CREATED,
        "body": body,
        "signature_base": base,
        "mac_hex": mac.hex(),
        "headers": {
            "Content-Digest": digest,
            "Signature-Input": f"souche={parameters}",
            "Signature": f"souche=:{base64(mac)}:",
        },
    }


def requests() -> list[Case]:
    claim = f'{{"claim_id":"{CLAIM}","codes":["{CODES[0]}"],"sequence":17}}'
    return [
        request("A redemption of one ticket.", AUTHORITY, "/v1/redemptions", claim),
        request(
            "A default port is left out; the authority is in lower case.",
            "clearing.example.org",
            "/v1/redemptions",
            claim,
        ),
        request("A batch.", AUTHORITY, "/v1/redemptions/batch", f'{{"claims":[{claim}]}}'),
        request(
            "A void: its path holds the claim's id.",
            AUTHORITY,
            f"/v1/redemptions/{CLAIM}/void",
            f'{{"void_id":"{VOID}","codes":["{CODES[0]}"]}}',
        ),
        request(
            "A check. The digest covers the bytes as they are sent, spaces too.",
            AUTHORITY,
            "/v1/checks",
            f'{{ "codes": ["{CODES[1]}"] }}\n',
        ),
        request("Text beyond ASCII: UTF-8.", AUTHORITY, "/v1/checks", '{"codes":["été"]}'),
        request("An empty body has a digest, too.", AUTHORITY, "/v1/checks", ""),
    ]


def remainder(payload: str) -> int:
    number = 0
    for letter in payload:
        number = number * 32 + ALPHABET.index(letter)
    return number % 37


def check_characters() -> list[Case]:
    payloads = [*(code[:-1] for code in CODES), "0", "1", "Z", "10", "ZZ", "BFC2200012340307K2M9Q"]
    payloads += [f"BFC220001234030000{letter}" for letter in ALPHABET[:12]]
    return [
        {
            "payload": payload,
            "remainder": remainder(payload),
            "check": ALPHABET[remainder(payload)] if remainder(payload) < 32 else None,
        }
        for payload in payloads
    ]


def codes() -> list[Case]:
    first, second, shortest = CODES
    return [
        {
            "note": note,
            "typed": typed,
            "normalised": text,
            "carnet": f"{text[:-17]}-{text[-17:-10]}",
            "ticket": int(text[-10:-8]),
        }
        for note, typed, text in (
            ("As scanned.", first, first),
            ("As printed.", "BFC22-0001234-03-Y5XC1KP-2", first),
            ("In lower case.", first.lower(), first),
            ("With spaces and dots.", " BFC22 0001234.03 Y5XC1KP 2 ", first),
            ("O for 0, I and l for 1.", "bfc22-OOOI234-o3-y5xclkp-2", first),
            ("Letter by letter.", "-".join(second), second),
            ("The shortest programme.", shortest, shortest),
            ("L for 1.", second.replace("1", "L"), second),
        )
    ]


def malformed_codes() -> list[Case]:
    code = CODES[0]
    return [
        {"note": note, "typed": typed}
        for note, typed in (
            ("Nothing.", ""),
            ("One letter is wrong: the check character tells.", code.replace("Y5XC", "Y5XD")),
            ("Two neighbours are swapped.", code.replace("Y5XC", "YX5C")),
            ("The check character is wrong.", code[:-1] + "3"),
            ("Too short.", code[:-1]),
            ("Too long.", code + "0"),
            ("No programme.", code.removeprefix("BFC22")),
            ("A programme of one letter.", code.removeprefix("BFC2")),
            ("A programme of nine.", "BFC2" + code),
            ("U is no letter of the alphabet.", code.replace("Y5XC", "U5XC")),
            ("A letter where a digit is due.", code.replace("0001234", "000A234")),
            ("Another separator.", code.replace("22", "22_", 1)),
            ("A line feed.", code + "\n"),
            ("A digit that isn't ASCII.", code.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}", 1)),
            ("A letter that isn't ASCII.", code.replace("C", "\N{CYRILLIC CAPITAL LETTER ES}", 1)),
            (
                "A letter of which upper case makes an I.",
                code.replace("1", "\N{LATIN SMALL LETTER DOTLESS I}", 1),
            ),
            ("Nothing but separators.", " - "),
        )
    ]


def code_digests() -> list[Case]:
    return [
        {
            "note": "The service's part: what the ledger keeps of a code. HMAC-SHA256 with the "
            "pepper over the normalised code, the first 16 bytes.",
            "pepper_hex": PEPPER.hex(),
            "code": code,
            "digest": hmac.digest(PEPPER, code.encode(), "sha256")[:16].hex(),
        }
        for code in CODES
    ]


def text() -> str:
    """The file as it should be."""
    return json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        FILE.write_text(text(), "utf-8")
        return 0
    return int(FILE.read_text("utf-8") != text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
