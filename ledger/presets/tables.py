"""Tables of a TOML file that know where they stand, so that every error names file and key."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class PresetError(ValueError):
    """A preset that can't be used: the file, the key in it, and what is wrong there."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}" if key else f"{file}: {problem}")
        self.file = file
        self.key = key


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file, with the path to it."""

    file: str
    path: str
    content: Mapping[str, Any]

    def at(self, key: str) -> str:
        """The path to `key`."""
        return f"{self.path}.{key}" if self.path else key

    def error(self, key: str, problem: str) -> PresetError:
        return PresetError(self.file, self.at(key), problem)

    def only(self, keys: Collection[str]) -> None:
        """Refuse every key but these.

        Raises:
            PresetError: there is another one.
        """
        for key in self.content:
            if key not in keys:
                raise self.error(key, f"unknown key; known: {', '.join(sorted(keys))}")

    def table(self, key: str) -> "Table":
        """The table under `key`; empty where there is none.

        Raises:
            PresetError: something else stands there.
        """
        content = self.content.get(key, {})
        if not isinstance(content, dict):
            raise self.error(key, "must be a table")
        return Table(self.file, self.at(key), content)

    def tables(self) -> dict[str, "Table"]:
        """The tables in this one, by key.

        Raises:
            PresetError: something else stands among them.
        """
        return {key: self.table(key) for key in self.content}

    def convert(self, key: str, raw: object, kind: type[T]) -> T:
        """`raw`, which stands under `key`, as a `kind`: no coercion, no unknown field.

        Raises:
            PresetError: it is something else.
        """
        fields: tuple[str, ...] | None = getattr(kind, "__struct_fields__", None)
        if isinstance(raw, dict) and fields is not None:
            Table(self.file, self.at(key), raw).only(fields)
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as e:
            raise self.error(key, str(e)) from e


def open_table(file: Traversable) -> Table:
    """The whole of a file.

    Raises:
        PresetError: it is not UTF-8 or not TOML.
    """
    try:
        return Table(file.name, "", tomllib.loads(file.read_text(encoding="utf-8")))
    except ValueError as e:  # the kind of both tomllib's and the decoder's errors
        raise PresetError(file.name, "", f"not TOML: {e}") from e
