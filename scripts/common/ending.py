"""How a command ends: its exit code, and what it tells whoever can act on it."""

from enum import IntEnum, unique


@unique
class Exit(IntEnum):
    """Exit codes. Scripts rely on them: add, never renumber."""

    OK = 0
    FAILED = 1  # a check failed, or the ledger refused
    USAGE = 2
    UNAVAILABLE = 3  # no database, or no answer from it: try again
    INTERRUPTED = 130  # by Ctrl-C, as shells have it


class CommandError(Exception):
    """An ending that is expected: what is wrong, and what to do about it."""

    def __init__(self, message: str, advice: str = "", code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.code = code
