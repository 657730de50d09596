"""Presets: programmes as articles have told of them, each value with where it is from.

    names()               the presets
    load(name)            one of them
    explain(preset)       a line for each of its values; `cited(preset)` are its articles
    commands(name, who)   what opens it in a ledger, its parent first

The files are in `data/`. To add one: name it after the programme's id, in lower case.
"""

from ledger.presets.commands import commands
from ledger.presets.explaining import Explained, cited, explain
from ledger.presets.loader import DATA, UnknownPresetError, load, names
from ledger.presets.model import (
    Budget,
    Funder,
    Network,
    Preset,
    Provenance,
    RuleVersion,
    Source,
    Territory,
    Volumes,
)
from ledger.presets.tables import PresetError

__all__ = [
    "DATA",
    "Budget",
    "Explained",
    "Funder",
    "Network",
    "Preset",
    "PresetError",
    "Provenance",
    "RuleVersion",
    "Source",
    "Territory",
    "UnknownPresetError",
    "Volumes",
    "cited",
    "commands",
    "explain",
    "load",
    "names",
]
