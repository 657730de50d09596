"""Examples for the OpenAPI document: one value a name, since one word means one thing here."""

from typing import Any, Final

Schema = dict[str, Any]

_EXAMPLES: Final[dict[str, Any]] = {
    "Content-Digest": "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:",
    "Signature-Input": (
        'souche=("@method" "@authority" "@path" "content-digest");created=1652778843;'
        'keyid="t-0123456789ab.139e3940e64b5491.1652779743.0123456789abcdef";alg="hmac-sha256"'
    ),
    "Signature": "souche=:YwGVzS7mt4/pBWmVqcM5OOSyKsXkq1fre1Tn7eq0INo=:",
    "account": "401:21250056500016",
    "accounts": 12,
    "amount_cents": 1000,
    "at_least": 93_021,
    "authority": "préfecture du Doubs",
    "balance_cents": -2_000,
    "balanced": True,
    "beneficiary": "7d9f2c1e-3b1a-4f0d-9c58-2f6a1f3f7b10",
    "cap_tickets": 45_000,
    "carnet": "BFC22-0001234",
    "carnets": 400,
    "category": "16-25",
    "cause": "tape does not match",
    "cents": {"region": 27_000_000, "state": 18_000_000},
    "claim_id": "0190f5fe-7c00-7a00-8abc-0123456789ab",
    "claims": 120,
    "code": "BFC22-0001234-03-Y5XC1KP-2",
    "command_id": "0190f5fe-7c00-7a00-8abc-0123456789ab",
    "credit_cents": -45_000_000,
    "cutoff": 93_000,
    "debit_cents": 45_000_000,
    "demo": False,
    "department": "25",
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "distribution_last_day": "12-31",
    "effective_on": "2022-09-01",
    "event": {
        "stream": "carnet:BFC22-0001234",
        "version": 4,
        "recorded_at": "2022-05-17T09:14:03Z",
        "command_id": "0190f5fe-7c00-7a00-8abc-0123456789ab",
        "actor": "terminal:t-0123456789ab",
        "fact": {
            "type": "tickets.redeemed.v1",
            "programme": "BFC22",
            "millesime": 2022,
            "tickets": [3],
            "amount_cents": 1000,
            "venue": "21250056500016",
            "sequence": 17,
            "served_at": "2022-05-17T09:14:03Z",
            "served_on": "2022-05-17",
        },
    },
    "events": 93_021,
    "events_behind": 0,
    "evidence": "attestation de la mission locale",
    "expires_at": "2022-05-17T09:29:03Z",
    "fingerprint": "139e3940e64b5491",
    "first_day": "2022-01-01",
    "first_number": 1,
    "held_transfers": 0,
    "holder": "region-bfc",
    "invitation": "t-0123456789ab-0123456789abcdef0123456789abcd",
    "issued_carnets": 9_000,
    "label": "accueil",
    "last_day": "2023-12-31",
    "mac_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "max_age": 25,
    "millesime": 2022,
    "min_age": 16,
    "name": "Médiathèque de Besançon",
    "nonce": "1652778963.0123456789abcdef01234567.0123456789abcdef0123456789abcdef",
    "old_signature": "q83vEjRWeJA",
    "order": "order-1",
    "order_id": "order-1",
    "paid_transfers": 0,
    "parent": "BFC",
    "position": 93_021,
    "postings": 240,
    "programme": "BFC22",
    "projection": "balances",
    "public_key": "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik",
    "qr": "souche:clearing.example.org/t-0123456789ab-0123456789abcdef0123456789abcd",
    "receiver": "mairie-de-lure",
    "reason": "venue-unknown",
    "reference": "2022-0415",
    "region": "27",
    "replayed": False,
    "residence": "Bourgogne-Franche-Comté",
    "retry": False,
    "rule_version": 1,
    "run": "2022-05",
    "seconds_behind": 0.0,
    "seed": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "sender": "region-bfc",
    "sequence": 17,
    "served_at": "2022-05-17T09:14:03Z",
    "served_on": "2022-05-17",
    "server_time": "2022-05-17T09:14:03Z",
    "service": "cv",
    "service_code": "cv",
    "session": "t-0123456789ab.139e3940e64b5491.1652779743.0123456789abcdef",
    "shares": {"region": 60, "state": 40},
    "signature": "q83vEjRWeJA",
    "siret": "21250056500016",
    "size": 5,
    "status": 404,
    "stopped_at": None,
    "stopped_because": None,
    "submitter": "person:first",
    "terminal": "t-0123456789ab",
    "ticket": 3,
    "tickets": 5,
    "title": "There is no such venue",
    "title_fr": "Ce lieu est inconnu",
    "transfers": 12,
    "type": "urn:souche:problem:venue-unknown",
    "venue": "21250056500016",
    "venues": 12,
    "version": 1,
    "void_id": "0190f5fe-9c00-7a00-8abc-0123456789ab",
    "waiting": 0,
    "workshop_id": "2022-05-17-am",
}
# The same word at another time: a nonce is good for less time than a session.
_OF_A_KIND: Final = {("Challenge", "expires_at"): "2022-05-17T09:16:03Z"}
_BY_UNIT: Final = {"_cents": 1000, "_tickets": 5, "_carnets": 400}


def add_examples(document: Schema) -> None:
    """Give every parameter and every JSON body of the document an example.

    Raises:
        KeyError: a name has none: give it one above.
    """
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["example"] = _example(parameter["name"], parameter["schema"], schemas)
            for media in _bodies(operation):
                if "example" not in media:
                    media["example"] = _example("", media["schema"], schemas)


def _bodies(operation: Schema) -> list[Schema]:
    parts = [operation.get("requestBody", {}), *operation["responses"].values()]
    found = [part.get("content", {}).get("application/json") for part in parts]
    return [media for media in found if media is not None]


def _example(name: str, schema: Schema, schemas: Schema) -> object:
    if "$ref" in schema:
        return _example(name, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("default") is not None:
        return schema["default"]
    if "anyOf" in schema:  # something, or null
        return _example(name, schema["anyOf"][0], schemas)
    match schema:
        case {"enum": [first, *_]} | {"const": first}:
            return first
        case {"properties": parts}:
            kind = schema.get("title", "")
            return {
                key: _OF_A_KIND.get((kind, key)) or _example(key, part, schemas)
                for key, part in parts.items()
            }
        case {"type": "array", "items": item}:
            return [_example(name.removesuffix("s"), item, schemas)]
        case _:
            pass
    for unit, value in _BY_UNIT.items():
        if name.endswith(unit):
            return _EXAMPLES.get(name, value)
    return _EXAMPLES[name]
