"""Amounts of money as people type them. What is recorded stays, so nothing is guessed."""

import re
from collections.abc import Sequence
from typing import Final

import typer

from ledger.values.money import LARGEST_AMOUNT, Cents
from scripts.common.fields import parse_name
from scripts.common.showing import euros

_euros: Final = re.compile(r"([0-9]+)(?:\.([0-9]{1,2}))?").fullmatch


def parse_parts(texts: Sequence[str]) -> dict[str, Cents]:
    """Each funder's part, in euros: `region-bfc=225000.00`.

    Raises:
        BadParameter: one can't be read, is nothing or too much, or a funder stands there twice.
    """
    parts: dict[str, Cents] = {}
    for text in texts:
        funder, cents = _part(text)
        if funder in parts:
            raise _wrong(f"{funder} stands twice: add its parts up")
        parts[funder] = cents
    if sum(parts.values()) > LARGEST_AMOUNT:
        raise _wrong(f"together more than an entry may be of, {euros(LARGEST_AMOUNT)}")
    return parts


def _part(text: str) -> tuple[str, Cents]:
    funder, _, amount = text.partition("=")
    found = _euros(amount)
    if not (funder and found):
        form = "digits, a point, no spaces, at most two decimals"
        raise _wrong(f"{text!r} is not like region-bfc=225000.00: {form}")
    whole, decimals = found.groups(default="")
    if len(whole.lstrip("0")) > len(str(LARGEST_AMOUNT)):  # more than anybody can read
        raise _wrong(f"{funder}: more than an entry may be of, {euros(LARGEST_AMOUNT)}")
    cents = Cents(int(whole + decimals.ljust(2, "0")))
    if cents == 0:
        raise _wrong(f"{text!r} is nothing: leave out who pays nothing")
    return parse_name(funder), cents


def _wrong(told: str) -> typer.BadParameter:
    return typer.BadParameter(told, param_hint="FUNDER=EUROS")
