"""What is wrong with a terminal's body, in plain words. They never repeat what was sent."""

import re
from typing import Final

from ledger.values.ids import NAME_PATTERN, UUID_PATTERN

_PLACE: Final = re.compile(r" - at `\$\.?(.*)`$")
_MISSING: Final = re.compile(r"Object missing required field `([a-z_]+)`")
_EXPECTED: Final = re.compile(
    r"Expected `(?P<kind>[a-z |]+)`"
    r"(?: of length (?P<length>[<>]=) (?P<number>[0-9]+)| (?P<bound>[<>]=) (?P<value>-?[0-9]+)|"
    r", got .*| matching regex '(?P<pattern>.*)')"
)
_KINDS: Final = {
    "array": "a list",
    "int": "an integer",
    "object": "an object",
    "str": "text",
    "str | null": "text or null",
}
_PARTS: Final = {"array": "items", "str": "characters"}
_BOUNDS: Final = {">=": "at least", "<=": "at most"}
_PATTERNS: Final = {
    UUID_PATTERN: "a UUID in lower case",
    NAME_PATTERN: "1 to 40 letters, digits, dots, underscores or hyphens, the first a letter or "
    "digit",
}


def in_words(message: str) -> str:
    """Msgspec's words on where and what, told like the other routes': `codes.0: not text`."""
    at = _PLACE.search(message)
    place = re.sub(r"\[([0-9]+)\]", r".\1", at[1]) if at else ""
    if missing := _MISSING.match(message):
        return f"{place}.{missing[1]}: missing".removeprefix(".")
    wrong = _wrong(message)
    return f"{place}: {wrong}" if place else wrong


def _wrong(message: str) -> str:
    if "unknown field" in message:  # its name is the caller's: it may be a code
        return "an unknown field"
    expected = _EXPECTED.match(message)
    if expected is None:
        return "out of range"
    kind = expected["kind"]
    if length := expected["length"]:
        return f"not {_BOUNDS[length]} {expected['number']} {_PARTS[kind]}"
    if bound := expected["bound"]:
        return f"not {_BOUNDS[bound]} {expected['value']}"
    for pattern, words in _PATTERNS.items():
        if (expected["pattern"] or "").startswith(pattern):
            return f"not {words}"
    return f"not {_KINDS.get(kind, 'what belongs here')}"
