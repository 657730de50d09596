"""What the edges ask of a ledger beyond a single command: codes, invitations, proofs of keys."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from ledger.batch import Outcome, Recorded
from ledger.decisions.funding import LARGEST_CHUNK
from ledger.decisions.stock import IssueCarnets
from ledger.decisions.terminals import EnrolTerminal, InviteTerminal, RollKey
from ledger.facts import CarnetsOrdered
from ledger.secrets import Secrets
from ledger.values.clock import real_now
from ledger.values.codes import make_codes
from ledger.values.ids import OrderId, ProgrammeId, TerminalId, VenueId, derived_id, terminal_id
from ledger.values.keys import (
    InvalidKeyError,
    KeyAlgorithm,
    decode_base64url,
    enrolment_message,
    fingerprint,
    public_key,
)
from ledger.writer import Writer

INVITATION_LIFE: Final = timedelta(minutes=10)
_INVITATION_BYTES: Final = 15


class Invitation(msgspec.Struct, frozen=True):
    """A one-time code for a device: shown once, kept nowhere."""

    terminal: TerminalId
    code: str
    expires_at: datetime
    position: int


class IssuedCarnet(msgspec.Struct, frozen=True):
    """A carnet with its codes in clear: for the printer, once."""

    number: int
    codes: tuple[str, ...]


def chunks(first: int, count: int, size: int = LARGEST_CHUNK) -> Iterator[tuple[int, int]]:
    """The (first number, carnets) of each chunk in which an order is issued."""
    for start in range(first, first + count, size):
        yield start, min(size, first + count - start)


def issue_command(
    ordered: CarnetsOrdered, first: int, count: int, seed: bytes, keys: Secrets, actor: str
) -> tuple[IssueCarnets, tuple[IssuedCarnet, ...]]:
    """The command that issues a chunk of an order, and the codes for its print file.

    The caller keeps `seed` (32 random bytes) until the order is printed: a chunk whose outcome is
    unknown is sent again with the same codes, and nobody else can make them again.
    """
    carnets = tuple(
        IssuedCarnet(number, make_codes(seed, ordered.programme, number, ordered.size))
        for number in range(first, first + count)
    )
    pepper = keys.peppers[keys.pepper_id]
    command = IssueCarnets(
        command_id=derived_id("issue", ordered.programme, ordered.order, first),
        actor=actor,
        programme=ProgrammeId(ordered.programme),
        order=OrderId(ordered.order),
        first_number=first,
        pepper_id=keys.pepper_id,
        digests=tuple(tuple(map(pepper.digest, each.codes)) for each in carnets),
    )
    return command, carnets


async def invite(
    writer: Writer, venue: VenueId, label: str, command_id: str, actor: str
) -> Invitation | Outcome:
    """Make a one-time code for a device of `venue`; it lives for ten minutes.

    A retry can't show the code again, so it makes no new one: it is refused as a reused id.
    """
    terminal = terminal_id(command_id)
    code = f"{terminal}-{secrets.token_hex(_INVITATION_BYTES)}"
    expires_at = real_now() + INVITATION_LIFE
    outcome = await writer.execute(
        InviteTerminal(
            command_id=command_id,
            actor=actor,
            terminal=terminal,
            venue=venue,
            label=label,
            invitation_digest=sha256(code.encode()).hexdigest(),
            expires_at=expires_at,
        )
    )
    if not isinstance(outcome, Recorded):
        return outcome
    return Invitation(terminal, code, expires_at, outcome.position)


def enrol_command(
    authority: str, invitation: str, algorithm: KeyAlgorithm, key: str, signature: str
) -> EnrolTerminal:
    """The command that binds a device's key to its invitation, once the device proved the key.

    Raises:
        InvalidKeyError: no key that a device may have, or no signature by it.
    """
    prove_key(algorithm, key, signature, enrolment_message(authority, invitation, key))
    terminal = TerminalId(invitation.rpartition("-")[0])
    return EnrolTerminal(
        command_id=derived_id("enrol", invitation, key),
        actor=f"terminal:{terminal}",
        terminal=terminal,
        invitation=invitation,
        asked_at=real_now(),
        algorithm=algorithm,
        public_key=key,
        fingerprint=fingerprint(key),
    )


def roll_command(
    terminal: TerminalId,
    replaces: str,
    bound_at: int,
    algorithm: KeyAlgorithm,
    key: str,
) -> RollKey:
    """The command that replaces the key with fingerprint `replaces`, bound at that position.

    The caller has seen proofs of both keys. The position is in the command's id: who rolls from A
    to B, back, and to B once more has asked for three things.
    """
    return RollKey(
        command_id=derived_id("roll", terminal, bound_at, key),
        actor=f"terminal:{terminal}",
        terminal=terminal,
        replaces=replaces,
        algorithm=algorithm,
        public_key=key,
        fingerprint=fingerprint(key),
    )


def prove_key(algorithm: KeyAlgorithm, key: str, signature: str, message: bytes) -> None:
    """Check that `key` has signed `message`.

    Raises:
        InvalidKeyError: it is no key that a device may have, or the signature is not by it.
    """
    if not public_key(algorithm, key).verify(decode_base64url(signature), message):
        raise InvalidKeyError("the signature is not by this key")
