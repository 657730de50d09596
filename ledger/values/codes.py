"""Ticket codes: a public serial and a secret, in one string to scan or type.

    BFC22 0001234 03 07K2M9Q X
    |     |       |  |       check character, modulo 37 over everything before it
    |     |       |  secret: 35 random bits in Crockford's base 32
    |     |       ticket within the carnet, from 01
    |     carnet within the programme
    programme

Modulo 37 catches every single substitution and every adjacent transposition. Five of its 37
symbols are not letters of the alphabet (two can't stand in an alphanumeric QR code), so a secret
is redrawn until its check character is one of the 32.
"""

import hmac
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from ledger.values.ids import CarnetId, carnet_id

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_LENGTH: Final = 7  # characters of 5 bits
DIGEST_BYTES: Final = 16
LARGEST_NUMBER: Final = 9_999_999

# Python reads base 32 with other letters; so a code is one `int` away from its remainder.
_BASE_32: Final = str.maketrans(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")
_TYPED: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzILO", "ABCDEFGH1JK1MN0PQRSTUVWXYZ110", " -."
)
_SHAPE: Final = re.compile(r"([0-9A-HJKMNP-TV-Z]{2,8})([0-9]{7})([0-9]{2})[0-9A-HJKMNP-TV-Z]{8}")


class TicketCode(msgspec.Struct, frozen=True, gc=False):
    """A well-formed code. That it opens a ticket is the carnet's to say."""

    text: str  # normalised: upper case, no separators
    carnet: CarnetId
    ticket: int  # from 1


class MalformedCodeError(ValueError):
    """The text can't be a ticket code: its shape or its check character is wrong."""


def check_character(payload: str) -> str | None:
    """The check character of `payload`, or None where it isn't one of the 32 letters."""
    remainder = int(payload.translate(_BASE_32), 32) % 37
    return ALPHABET[remainder] if remainder < len(ALPHABET) else None


def parse_code(typed: str) -> TicketCode:
    """Read a code as typed or scanned: separators and case don't matter, O is 0, I and L are 1.

    Raises:
        MalformedCodeError: the shape or the check character is wrong. The message never
            repeats the input.
    """
    # Most are scanned, or normalised by the terminal.
    shape = _SHAPE.fullmatch(typed) or _SHAPE.fullmatch(typed.translate(_TYPED))
    if shape is None:
        raise MalformedCodeError("not a ticket code")
    text = shape.string
    if check_character(text[:-1]) != text[-1]:
        raise MalformedCodeError("not a ticket code")
    programme, number, ticket = shape.groups()
    return TicketCode(text, CarnetId(f"{programme}-{number}"), int(ticket))


class Pepper:
    """A secret that ticket codes are hashed with. It lives outside the database.

    So a stolen log redeems nothing. The keyed hash is prepared once and copied for each code,
    which takes two thirds of the time of a fresh one.
    """

    def __init__(self, key: bytes) -> None:
        self._prepared = hmac.new(key, digestmod="sha256")

    def digest(self, text: str) -> str:
        """What a carnet keeps of a normalised code: HMAC-SHA256 cut to 128 bits, hexadecimal."""
        keyed = self._prepared.copy()
        keyed.update(text.encode())
        return keyed.hexdigest()[: 2 * DIGEST_BYTES]

    @property
    def fingerprint(self) -> str:
        """What tells this pepper from another, and nothing about its key. No code has that text."""
        return self.digest("fingerprint of this pepper")


def make_codes(seed: bytes, programme: str, number: int, tickets: int) -> tuple[str, ...]:
    """The codes of one carnet, drawn from the order's random `seed` (32 bytes).

    The same seed gives the same codes, so a chunk whose outcome is unknown can be sent again;
    who throws the seed away after printing has thrown the codes away.
    """
    serial = carnet_id(programme, number).replace("-", "")
    return tuple(_make_code(seed, f"{serial}{ticket:02d}") for ticket in range(1, tickets + 1))


def _make_code(seed: bytes, serial: str) -> str:
    for secret in _secrets(seed, serial):
        if check := check_character(serial + secret):
            return serial + secret + check
    raise AssertionError("unreachable: secrets are drawn for ever")


def _secrets(seed: bytes, serial: str) -> Iterator[str]:
    draw = 0
    while True:
        bits = int.from_bytes(hmac.digest(seed, f"{serial}/{draw}".encode(), "sha256")[:5], "big")
        yield "".join(ALPHABET[bits >> shift & 31] for shift in range(0, 5 * SECRET_LENGTH, 5))
        draw += 1


def shown(text: str) -> str:
    """A normalised code with separators, as it is printed: BFC22-0001234-03-07K2M9Q-X."""
    return f"{text[:-17]}-{text[-17:-10]}-{text[-10:-8]}-{text[-8:-1]}-{text[-1]}"
