"""What a validator says of a value that can't be, in plain words."""

import re
from typing import Final

_PLAIN: Final = tuple(
    (re.compile(said), told)
    for said, told in (
        (r"^Value error, ", ""),
        (r"^Input should be less than or equal to (.*)$", r"it should be at most \1"),
        (r"^Input should be greater than or equal to (.*)$", r"it should be at least \1"),
        (r"^Input should be a valid integer.*$", "it should be a whole number"),
        (r"^Input should be a valid boolean.*$", "it should be true or false"),
    )
)


def in_plain_words(said: str) -> str:
    """The same, or what was said where there is nothing plainer."""
    for pattern, told in _PLAIN:
        said = pattern.sub(told, said)
    return said
