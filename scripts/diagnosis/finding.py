"""What a check found."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import msgspec
import psycopg

from ledger.postgres import Database
from ledger.settings import Settings


class Verdict(StrEnum):
    """How bad it is."""

    GOOD = "good"
    WARNING = "warning"  # works, and will break some day
    BAD = "bad"


class Finding(msgspec.Struct, frozen=True):
    """One line of the diagnosis."""

    about: str
    verdict: Verdict
    found: str
    advice: str = ""


class Patient(msgspec.Struct, frozen=True):
    """A ledger that is up."""

    settings: Settings
    database: Database
    owner: psycopg.Connection[tuple[Any, ...]]


Check = Callable[[Patient], Iterator[Finding]]


def judged(about: str, found: str, advice: str, *, holds: bool) -> Finding:
    """Good where it holds; else bad, with what to do."""
    return (
        Finding(about, Verdict.GOOD, found) if holds else Finding(about, Verdict.BAD, found, advice)
    )
