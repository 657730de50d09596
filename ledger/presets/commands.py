"""The commands that bring a preset into a ledger."""

from collections.abc import Iterator
from datetime import date
from importlib.resources.abc import Traversable

from ledger.decisions.programmes import OpenProgramme, PublishRules
from ledger.presets.loader import DATA, load
from ledger.presets.model import Preset
from ledger.values.ids import derived_id


def commands(
    name: str, actor: str, *, on: date | None = None, data: Traversable = DATA
) -> Iterator[OpenProgramme | PublishRules]:
    """Open the programme and publish its rules, after those of the envelope that it draws on.

    Their ids follow from the preset and the actor, so a second run repeats the first and does
    nothing, and a later one publishes what has come into force since.

    Args:
        name: of the preset.
        actor: who asks.
        on: publish only the versions in force on this day or before. With None all are, and
            what only an earlier version offers can't be ordered any more.
        data: where the files are.

    Raises:
        UnknownPresetError: there is no such preset.
        PresetError: its files can't be used.
    """
    preset = load(name, data)
    if preset.parent is not None:  # one level: an order counts against one envelope only
        yield from _own(load(preset.parent, data), actor, on)
    yield from _own(preset, actor, on)


def _own(preset: Preset, actor: str, on: date | None) -> Iterator[OpenProgramme | PublishRules]:
    yield OpenProgramme(
        command_id=derived_id("preset", preset.programme, actor, "open"),
        actor=actor,
        programme=preset.programme,
        name=preset.name,
        zone=preset.zone,
        cap_tickets=preset.cap_tickets,
        shares=preset.shares,
        parent=preset.parent,
    )
    for number, version in enumerate(preset.versions, start=1):
        if on is None or version.in_force_from <= on:
            yield PublishRules(
                command_id=derived_id("preset", preset.programme, actor, "rules", number),
                actor=actor,
                programme=preset.programme,
                rule_version=number,
                rules=version.rules,
            )
