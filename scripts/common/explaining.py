"""Exceptions that people can do something about, in their words. All others are defects."""

from typing import Final

import psycopg
from pydantic import ValidationError

from ledger.decisions.situation import InvalidCommandError
from ledger.knowledge import ReferenceUnknownError
from ledger.log.store import StoreUnavailableError
from ledger.postgres import MigrationRefusedError, PostgresUnavailableError
from ledger.presets import PresetError, UnknownPresetError
from ledger.secrets import WrongPepperError
from ledger.writer import CommandFailedError, OutcomeUnknownError, OverloadedError
from projections.beside import RebuildError
from projections.waiting import NotReachedError
from scripts.common.ending import CommandError, Exit
from scripts.common.plain import in_plain_words

_AGAIN: Final = "Run the same command again: what was done is not done twice."
_DOCTOR: Final = "`souche doctor` says more."

_KNOWN: Final[tuple[tuple[tuple[type[Exception], ...], str, Exit], ...]] = (
    ((PostgresUnavailableError,), "", Exit.UNAVAILABLE),
    ((MigrationRefusedError,), _DOCTOR, Exit.FAILED),
    ((psycopg.OperationalError, StoreUnavailableError), _DOCTOR, Exit.UNAVAILABLE),
    ((WrongPepperError, ReferenceUnknownError), _DOCTOR, Exit.FAILED),
    ((NotReachedError,), _DOCTOR, Exit.UNAVAILABLE),
    ((RebuildError,), "The read models are as they were.", Exit.FAILED),
    ((InvalidCommandError,), "Nothing of it was done.", Exit.USAGE),
    ((UnknownPresetError,), "`souche programme presets` lists them.", Exit.USAGE),
    ((PresetError,), "`souche programme example` prints a file that can be used.", Exit.FAILED),
)


def explain(error: Exception) -> CommandError | None:
    """What to tell people, or None: a defect, for whose traceback somebody has to look."""
    match error:
        case CommandError():
            return error
        case OutcomeUnknownError() | OverloadedError():
            return CommandError("The database can't be reached.", _AGAIN, Exit.UNAVAILABLE)
        case CommandFailedError():
            return None
        case ValidationError():
            return CommandError(_settings(error), "", Exit.USAGE)
        case PermissionError():
            told = f"{error.filename} can't be used: {error.strerror}."
            return CommandError(told, "Run this as its owner, or name another folder with --data.")
        case _:
            return _known(error)


def _known(error: Exception) -> CommandError | None:
    for kinds, advice, code in _KNOWN:
        if isinstance(error, kinds):
            return CommandError(str(error).strip(), advice, code)
    return None


def _settings(error: ValidationError) -> str:
    """Which setting is wrong, without its value: it may be a password."""
    told = ((".".join(map(str, e["loc"])).upper(), e["msg"]) for e in error.errors())
    return "\n".join(f"SOUCHE_{name}: {in_plain_words(said)}." for name, said in told)
