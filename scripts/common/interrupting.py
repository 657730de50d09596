"""What Ctrl-C leaves of each command, and how to go on."""

from collections.abc import Sequence
from typing import Final

from scripts.common.ending import CommandError, Exit

NOTHING: Final = "Nothing was changed."
# One fact in the log, or the same ones again: repeated, it says so or is refused.
WHOLE: Final = (
    "It was done as a whole or not at all. Run the same command again: it does it, or tells you "
    "that it was done."
)
AGAIN: Final = (
    "Part of it may be done, and stays. The same command, with the same numbers, goes on where it "
    "stopped."
)
_RULES: Final = "What is published stays. The same command goes on where it stopped."

# Command → what to say of it.
LEFT: Final[dict[str, str]] = {
    "init": "What is made stays. The same command makes what is missing.",
    "serve": "The service has stopped. Terminals that got no answer ask again.",
    "demo": "The same command begins a new day, on an empty folder.",
    "doctor": NOTHING,
    "rebuild": "Each read model is whole: made anew, or as it was. The same command begins again.",
    "carnet": NOTHING,
    "refusals": NOTHING,
    "balances": NOTHING,
    "status": NOTHING,
    "event": NOTHING,
    "token make": "A token may be made that nobody has seen: `souche token list` shows it, "
    "`souche token withdraw ID` ends it.",
    "token list": NOTHING,
    "token withdraw": WHOLE,
    "programme example": NOTHING,
    "programme presets": NOTHING,
    "programme list": NOTHING,
    "programme open": WHOLE,
    "programme rules": _RULES,
    "programme preset": _RULES,
    "programme fund": WHOLE,
    "programme close": WHOLE,
    "holder register": WHOLE,
    "holder list": NOTHING,
    "order create": WHOLE,
    "order list": NOTHING,
    "order issue": "Carnets that were issued stay. The same command goes on where it stopped, with "
    "the same codes: keep the print file's .seed until then.",
    "order activate": AGAIN,
    "order transfer": AGAIN,
    "order assign": AGAIN,
    "venue register": WHOLE,
    "venue qualify": WHOLE,
    "venue withdraw": WHOLE,
    "venue suspend": WHOLE,
    "venue resume": WHOLE,
    "venue list": NOTHING,
    "terminal invite": "An invitation that was not shown opens nothing. Run it again for another.",
    "terminal revoke": WHOLE,
    "terminal list": NOTHING,
    "payouts list": NOTHING,
    "payouts runs": NOTHING,
    "payouts show": NOTHING,
    "payouts cutoff": WHOLE,
    "payouts draft": WHOLE,
    "payouts submit": WHOLE,
    "payouts approve": WHOLE,
    "payouts pay": "What has left stays paid. The same command goes on where it stopped, and pays "
    "nothing twice.",
    "payouts withdraw": WHOLE,
}


def interrupted(words: Sequence[str]) -> CommandError:
    """The ending of a command that Ctrl-C cut short."""
    return CommandError("Interrupted.", _left(words), Exit.INTERRUPTED)


def _left(words: Sequence[str]) -> str:
    for length in (1, 2):
        name = " ".join(words[:length])
        if name in LEFT:
            return _by_option(name, words) or LEFT[name]
    return NOTHING  # a word without the one that follows it


def _by_option(name: str, words: Sequence[str]) -> str:
    given = {word.partition("=")[0] for word in words}
    if name == "rebuild" and "--check" in given:
        return NOTHING
    if name == "programme preset" and "--open" not in given:
        return NOTHING
    return ""
