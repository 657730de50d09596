"""The presets by name: from their files, or not at all."""

from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from ledger.facts import Entitlement, Rules
from ledger.presets.checks import problems
from ledger.presets.model import (
    Budget,
    Funder,
    Identity,
    Network,
    Preset,
    RuleVersion,
    Territory,
    Volumes,
)
from ledger.presets.reading import Reading, fields_of, read_sources
from ledger.presets.tables import PresetError, Table, open_table

DATA: Final = files("ledger.presets").joinpath("data")
SHARED: Final = "shared.toml"
_SUFFIX: Final = ".toml"
_SECTIONS: Final = ("programme", "funders", "territory", "network", "volumes", "budget", "rules")


class UnknownPresetError(LookupError):
    """No preset has this name."""


class _Version(msgspec.Struct, frozen=True):
    """What the files say of a version of the rules beside them."""

    in_force_from: date


class _Category(msgspec.Struct, frozen=True):
    """What the files say of an entitlement beside it."""

    who: str


def names(data: Traversable = DATA) -> tuple[str, ...]:
    """The presets, by the ids of their programmes."""
    found = {file.name for file in data.iterdir() if file.name.endswith(_SUFFIX)} - {SHARED}
    return tuple(sorted(name.removesuffix(_SUFFIX).upper() for name in found))


def load(name: str, data: Traversable = DATA) -> Preset:
    """The preset `name`, which may be in lower case.

    Raises:
        UnknownPresetError: there is none.
        PresetError: its file or the shared one can't be used. It names the file and the key.
    """
    known = names(data)
    if name.upper() not in known:
        raise UnknownPresetError(f"no preset {name!r}; known: {', '.join(known)}")
    table = open_table(data.joinpath(name.lower() + _SUFFIX))
    shared = open_table(data.joinpath(SHARED))

    table.only(_SECTIONS)
    shared.only(("sources", "programme", "rules"))
    reading = Reading(read_sources(shared.table("sources")))
    preset = _read(table, shared, reading)
    for key, problem in problems(preset, file_name=name.upper(), known=known):
        raise PresetError(reading.files.get(key, table.file), key, problem)
    return preset


def _read(table: Table, shared: Table, reading: Reading) -> Preset:
    identity = Identity(
        **reading.section(
            table.table("programme"), fields_of(Identity), defaults=shared.table("programme")
        )
    )
    return Preset(
        programme=identity.id,
        name=identity.name,
        zone=identity.zone,
        cap_tickets=identity.cap_tickets,
        parent=identity.parent,
        funders={
            funder: Funder(**reading.section(facts, fields_of(Funder)))
            for funder, facts in table.table("funders").tables().items()
        },
        territory=Territory(**reading.section(table.table("territory"), fields_of(Territory))),
        network=Network(**reading.section(table.table("network"), fields_of(Network))),
        volumes=Volumes(**reading.section(table.table("volumes"), fields_of(Volumes))),
        budget=Budget(**reading.section(table.table("budget"), fields_of(Budget))),
        versions=_versions(table.table("rules"), shared.table("rules"), reading),
        values=reading.values,
        provenance=reading.provenance,
    )


def _versions(table: Table, defaults: Table, reading: Reading) -> tuple[RuleVersion, ...]:
    versions = table.tables()
    for expected, number in enumerate(versions, start=1):
        if number != str(expected):
            raise table.error(number, f"versions count from 1 in order; here {expected} is due")
    return tuple(_version(version, defaults, reading) for version in versions.values())


def _version(table: Table, defaults: Table, reading: Reading) -> RuleVersion:
    found = reading.section(
        table,
        fields_of(_Version, Rules, but=("entitlements",)),
        defaults=defaults,
        apart=("entitlements",),
        whole=True,
    )
    in_force_from = found.pop("in_force_from")
    who: dict[str, str] = {}
    entitlements: list[Entitlement] = []
    for category, entry in table.table("entitlements").tables().items():
        conditions = reading.section(entry, fields_of(_Category, Entitlement, but=("category",)))
        who[category] = conditions.pop("who")
        entitlements.append(Entitlement(category, **conditions))
    rules = Rules(**found, entitlements=tuple(entitlements))
    return RuleVersion(in_force_from=in_force_from, rules=rules, who=who)
