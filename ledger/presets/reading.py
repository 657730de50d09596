"""Read values strictly: none without provenance, no key that nothing reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import UNSET
from msgspec.structs import FieldInfo

from ledger.presets.model import Provenance, Source
from ledger.presets.tables import Table

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Entry(msgspec.Struct, frozen=True):
    """A value as the files write it. TOML has no null, so `none = true` says that there is none."""

    value: Any = UNSET
    none: bool = False
    source: Text | None = None  # key of an article in `[sources]`
    assumed: Text | None = None
    note: Text | None = None

    def __post_init__(self) -> None:
        if (self.value is UNSET) is not self.none:
            raise ValueError("needs either `value` or `none = true`")
        if (self.source is None) is (self.assumed is None):
            raise ValueError("needs either `source` or `assumed`: where is the value from?")
        if self.note is not None and self.source is None:
            raise ValueError("`note` tells how a source was read, and there is none")


@dataclass(slots=True)
class Reading:
    """A preset being read: its values so far, and where each comes from."""

    sources: Mapping[str, Source]
    values: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Provenance] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # path → the file that gives it

    def section(
        self,
        table: Table,
        fields: Mapping[str, FieldInfo],
        *,
        defaults: Table | None = None,
        apart: Collection[str] = (),
        whole: bool = False,
    ) -> dict[str, Any]:
        """What `table`, or else `defaults`, gives of `fields`.

        Args:
            table: one entry a field.
            fields: what may stand there.
            defaults: the same for all presets.
            apart: keys of `table` that are read elsewhere.
            whole: ask for fields with a default value too. What a decision relies on is stated,
                so that it has a provenance.

        Raises:
            PresetError: a key is missing, unknown, or not what it has to be.
        """
        table.only({*fields, *apart})
        if defaults is not None:
            defaults.only(fields)
        found: dict[str, Any] = {}
        for name, expected in fields.items():
            if name in table.content:
                found[name] = self.value(table, expected, table.at(name))
            elif defaults is not None and name in defaults.content:
                found[name] = self.value(defaults, expected, table.at(name))
            elif whole or expected.required:
                raise table.error(name, "is missing")
        return found

    def value(self, table: Table, expected: FieldInfo, path: str) -> object:
        """One value, kept under `path` with its provenance.

        Raises:
            PresetError: it has no provenance, an unknown one, or the wrong type.
        """
        key = expected.name
        raw = table.content[key]
        if not isinstance(raw, dict):
            raise table.error(key, "needs a table: its value, and `source` or `assumed`")
        entry = table.convert(key, raw, Entry)
        if entry.source is not None and entry.source not in self.sources:
            known = ", ".join(sorted(self.sources))
            raise table.error(key, f"unknown source {entry.source!r}; known: {known}")
        given = None if entry.none else entry.value
        converted: object = table.convert(key, given, expected.type)
        self.values[path] = given
        self.files[path] = table.file
        self.provenance[path] = Provenance(
            source=self.sources[entry.source] if entry.source is not None else None,
            assumed=_one_line(entry.assumed),
            note=_one_line(entry.note),
        )
        return converted


def fields_of(*kinds: type[msgspec.Struct], but: Collection[str] = ()) -> dict[str, FieldInfo]:
    """The fields of `kinds` by name, without those that stand elsewhere."""
    return {f.name: f for kind in kinds for f in msgspec.structs.fields(kind) if f.name not in but}


def read_sources(table: Table) -> dict[str, Source]:
    """The articles, by the key that values name them with."""
    return {key: table.convert(key, raw, Source) for key, raw in table.content.items()}


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split()) if text is not None else None
