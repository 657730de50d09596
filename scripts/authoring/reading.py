"""Read a programme's file: the tables of a preset, with plain values, checked as the service does.

A copy of a preset works too: where a value is from is passed over, and so is what is only told.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from api import fields
from api.bodies import Body
from api.rules import RulesBody
from ledger import presets
from ledger.facts import ProgrammeOpened, Rules
from ledger.presets.tables import open_table
from scripts.common.ending import CommandError, Exit
from scripts.common.fields import in_words

TOLD: Final = ("territory", "network", "volumes", "budget")  # by a preset; nothing relies on them
_PROVENANCE: Final = frozenset({"value", "none", "source", "assumed", "note"})


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the rules. It is published on its day or later; without one, at once."""

    in_force_from: date | None
    rules: Rules


@dataclass(frozen=True, slots=True)
class OwnProgramme:
    """What a file says."""

    file: Path  # as people named it
    opened: ProgrammeOpened
    versions: Mapping[int, Version]  # by number, without gaps


def _without_names(entitlements: object) -> object:
    """`[rules.1.entitlements.youth]` as the service takes it: a list, each with its category."""
    if not isinstance(entitlements, dict):
        return entitlements
    return [
        {**{key: value for key, value in each.items() if key != "who"}, "category": category}
        if isinstance(each, dict)
        else each
        for category, each in entitlements.items()
    ]


class _Identity(Body):
    id: fields.Programme
    name: fields.Text
    zone: fields.Zone = "Europe/Paris"
    cap_tickets: fields.Cap | None = None
    parent: fields.Programme | None = None


class _Funder(Body):
    share: fields.Weight
    name: fields.Text | None = None
    contribution_cents: fields.Amount | None = None


class _Version(RulesBody):
    in_force_from: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, table: object) -> object:
        if isinstance(table, dict) and "entitlements" in table:
            return {**table, "entitlements": _without_names(table["entitlements"])}
        return table


def _in_order(versions: object) -> object:
    """Numbers that follow each other: earlier versions may be left out, but none between."""
    if isinstance(versions, dict) and versions:
        first = next(iter(versions))
        expected = range(int(first), int(first) + len(versions)) if first.isdecimal() else ()
        if [str(number) for number in expected] != list(versions):
            raise ValueError("versions are numbered in order: [rules.1], [rules.2], …")
    return versions


class _File(Body):
    programme: _Identity
    funders: Annotated[dict[fields.Funder, _Funder], Field(min_length=1, max_length=100)]
    rules: Annotated[
        dict[Annotated[int, Field(ge=1, le=10_000)], _Version], BeforeValidator(_in_order)
    ] = Field({})


def parse_file(text: str) -> Path:
    """A file that people name; who names a preset is told how that is opened."""
    path = Path(text)
    if os.path.isdir(path):  # noqa: PTH112 (unlike Path's, it takes a name of any length)
        raise typer.BadParameter(f"{text!r} is a folder")
    if not os.path.exists(path):  # noqa: PTH110 (likewise)
        told = f"there is no file {text!r}"
        if text.upper() in presets.names():
            told += f"; the preset is opened by `souche programme preset {text.upper()} --open`"
        raise typer.BadParameter(told)
    if not os.access(path, os.R_OK):
        raise typer.BadParameter(f"{text!r} can't be read by you")
    return path


def read_programme(path: Path) -> OwnProgramme:
    """What the file says, or every reason why it can't be used.

    Raises:
        PresetError: it is not TOML.
        CommandError: something in it is missing, unknown or out of range.
    """
    content = _plain(open_table(path).content)
    for section in TOLD:
        content.pop(section, None)
    try:
        found = _File.model_validate(content)
    except ValidationError as e:
        raise _unusable(path, content, e.errors()) from e
    identity = found.programme
    opened = ProgrammeOpened(
        programme=identity.id,
        name=identity.name,
        zone=identity.zone,
        cap_tickets=identity.cap_tickets,
        shares={str(funder): each.share for funder, each in found.funders.items()},
        parent=identity.parent,
    )
    versions = {n: Version(each.in_force_from, each.rules()) for n, each in found.rules.items()}
    return OwnProgramme(path, opened, versions)


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table without the provenance that a preset has beside each value."""
    plain: dict[str, Any] = {}
    for key, entry in table.items():
        if not isinstance(entry, dict):
            plain[key] = entry
        elif not (entry and entry.keys() <= _PROVENANCE):
            plain[key] = _plain(entry)
        elif "value" in entry:  # and `none = true` says that there is none
            plain[key] = entry["value"]
    return plain


def _unusable(path: Path, content: object, errors: Sequence[ErrorDetails]) -> CommandError:
    lines = [f"  {_place(content, error['loc'])}: {in_words(error)}" for error in errors]
    return CommandError(
        "\n".join((f"{path.name} can't be used:", *lines)),
        "`souche programme example` prints a file that can, with every key explained.",
        Exit.USAGE,
    )


def _place(content: object, parts: Sequence[int | str]) -> str:
    """The key in the file, with an entitlement's name where the service counts."""
    names: list[str] = []
    for part in parts:
        if part == "[key]":  # pydantic's mark for the name of an entry
            continue
        if isinstance(content, dict):
            key = list(content)[part] if isinstance(part, int) and part < len(content) else part
            names.append(str(key))
            content = content.get(str(key))
        else:
            names.append(str(part))
            content = None
    return ".".join(names)
