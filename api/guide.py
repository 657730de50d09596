"""What a client has to know beside the routes: the text of the OpenAPI document and of /docs.

Its numbers are those that the service goes by.
"""

from typing import Final

from api.contract import LARGEST_BATCH
from api.limits import (
    CHECKS_A_SECOND,
    CHECKS_AT_ONCE,
    FAILURES_A_SECOND,
    FAILURES_AT_ONCE,
    GUESSES_A_SECOND,
    GUESSES_AT_ONCE,
    LONGEST_WAIT,
    PLACES,
    REFUSALS_A_SECOND,
    REFUSALS_AT_ONCE,
)
from api.nonces import NONCE_SECONDS
from api.problems import RETRY_AFTER
from api.signatures import LARGEST_SKEW, SESSION_SECONDS
from api.wire import LARGEST_BODY
from ledger.decisions.programmes import LARGEST_CLAIM
from ledger.values.codes import ALPHABET, SECRET_LENGTH

GENERAL: Final = f"""\
Bodies are JSON objects of at most {LARGEST_BODY // 2**20} MiB, sent as `application/json`. A \
field that is unknown or stands twice is refused, and so is a query where none is taken.

Ids that the caller makes (`claim_id`, `void_id`, `command_id`) are UUIDs in lower case, of any \
version. Make one and keep it before you send; each retry says the same one and is answered like \
the first attempt, with `"replayed": true`.

Whatever says `"retry": true` is not an answer, and neither are a broken connection and a timeout: \
wait for the seconds of `Retry-After` and send the same again.

What is refused is a problem (`application/problem+json`) with a `reason`, even where it is no HTTP.

An address may fail to prove who it is {FAILURES_AT_ONCE:.0f} times at once, then \
{FAILURES_A_SECOND:.0f} times a second. Beyond that, its failures are told `too-many-requests`, \
and no device enrols from it; whoever shows a good token or signature is served as before."""

TERMINALS: Final = f"""\
A device makes its keys (Ed25519, or ECDSA with P-256) and enrols with an invitation. To work, it \
asks for a nonce, signs it within {NONCE_SECONDS} seconds with its key, and gets a session of at \
most {SESSION_SECONDS // 60} minutes with a MAC key, by which it signs redemptions, voids, checks.

*Authority.* Signatures cover the service's host and port as it is configured, in lower case: \
`127.0.0.1:8080`, or `clearing.example.org` without a port where that is the scheme's default. The \
QR code of an invitation holds it: `souche:AUTHORITY/INVITATION`.

*Signed requests.* They carry Content-Digest, Signature-Input and Signature, each once. The \
signature base (RFC 9421) is these five lines, joined by line feeds, with none at the end:

    "@method": POST
    "@authority": AUTHORITY
    "@path": /v1/redemptions
    "content-digest": sha-256=:DIGEST:
    "@signature-params": ("@method" "@authority" "@path" "content-digest");created=CREATED;\
keyid="SESSION";alg="hmac-sha256"

DIGEST is the SHA-256 of the body as sent, in base64 with padding. CREATED is the device's clock \
in Unix seconds; it may differ from ours by {LARGEST_SKEW} seconds either way (the session's \
`server_time` is ours). SESSION is the session's id. Signature-Input is `souche=`, then all that \
follows `"@signature-params": ` in the base; Signature is `souche=:MAC:`, with the HMAC-SHA256 of \
the base in base64 with padding. In bodies, keys and signatures are base64url without padding.

*Ticket codes.* The programme (2 to 8 characters), the carnet's number (7 digits), the ticket (2 \
digits), a secret ({SECRET_LENGTH} characters), a check character. The characters are \
`{ALPHABET}`; they stand for 0 to {len(ALPHABET) - 1}. The check character stands for all that is \
before it, read as one number in base 32, modulo 37; no code is issued whose remainder is over \
{len(ALPHABET) - 1}, so a device can find a slip of the hand before it asks. Case doesn't matter, \
nor do spaces, hyphens and dots; O is read as 0, I and L as 1. A request names tickets of one \
carnet, each once, at most {LARGEST_CLAIM}.

*Batches.* At most {LARGEST_BATCH} claims. A batch is answered when no verdict says \
`"retry": true`: until then, wait {RETRY_AFTER} s or more and send the same body again.

*Limits of a device.* Checks: {CHECKS_AT_ONCE:.0f} at once, then {CHECKS_A_SECOND:.0f} a second. \
Unknown codes: {GUESSES_AT_ONCE:.0f} at once, then one every {1 / GUESSES_A_SECOND:.0f} s; who \
showed more waits before anything else is answered. Refusals of any kind: \
{REFUSALS_AT_ONCE:.0f} at once, then {REFUSALS_A_SECOND:.0f} a second. Claims and other requests \
under way: {PLACES}. Beyond that, `too-many-requests` tells in `Retry-After` how long to wait: at \
most {LONGEST_WAIT:.0f} s.

*To check yours.* `api/vectors.json` in the repository goes through all this step by step: keys, \
messages, signature bases, MACs and check characters. `api/client.py` and `api/client.sh` are \
clients to read."""

# What an answer's parts mean, by their names in problems and in the verdicts on a batch.
PARTS: Final = {
    "type": "`urn:souche:problem:` and the reason. It never changes its meaning.",
    "title": "What to tell people, in English.",
    "title_fr": "What to tell people, in French.",
    "status": "The HTTP status; in a batch, what it would be if the claim were sent alone.",
    "reason": "The last part of `type`; programs look at it.",
    "retry": "Not an answer: wait for the seconds of `Retry-After` and send the same again, with "
    "the same id.",
    "detail": "What is wrong, and with which field, for whoever makes the client. It repeats "
    "nothing of what was sent.",
    "redeemed_at": "With `ticket-already-redeemed`: when. Where is not told.",
}
