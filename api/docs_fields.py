"""The fields of a request or an answer, in words, from their JSON schemas."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ledger.values.ids import UUID_PATTERN

Schema = dict[str, Any]


class Field(NamedTuple):
    """A field as people read of it."""

    name: str  # `rules.sizes[]`
    kind: str  # 1 to 10 × integer from 1 to 99
    required: bool
    description: str


def fields(
    name: str, told: Schema, schemas: Schema, *, required: bool | None = None
) -> Iterator[Field]:
    """A parameter, a body or a field, and all that is inside it.

    `told` is a schema, or something that has one beside its description.
    """
    given = told.get("schema", told)
    schema, _ = _resolved(given, schemas)
    if required is None:
        required = told.get("required") is True
    if name:
        description = told.get("description") or schema.get("description", "")
        yield Field(name, kind(given, schemas), required, description)
    inside, step = schema, "." if name else ""
    while inside.get("type") == "array":
        name, step = f"{name}[]", "."
        inside, _ = _resolved(inside["items"], schemas)
    for each, part in inside.get("properties", {}).items():
        needed = each in inside.get("required", ())
        yield from fields(f"{name}{step}{each}", part, schemas, required=needed)


def kind(schema: Schema, schemas: Schema) -> str:
    """What a value is, and within which limits."""
    schema, is_optional = _resolved(schema, schemas)
    return _kind(schema, schemas) + (" or null" if is_optional else "")


def _kind(schema: Schema, schemas: Schema) -> str:
    match schema:
        case {"enum": values}:
            return " | ".join(map(str, values))
        case {"const": value}:
            return str(value)
        case {"type": "array", "items": item}:
            return f"{_limits(schema, 'Items') or 'list of'} × {kind(item, schemas)}"
        case {"type": "object", "patternProperties": kinds}:
            ((name, value),) = kinds.items()
            entries = _limits(schema, "Properties")
            return f"{entries} × {name.strip('^$')} → {kind(value, schemas)}"
        case {"type": "object", "additionalProperties": dict(value)}:
            return f"name → {kind(value, schemas)}"
        case {"type": "string"}:
            return _text(schema)
        case {"type": "integer" | "number"}:
            return " ".join(filter(None, (schema["type"], _limits(schema, ""))))
        case _:
            return str(schema.get("type", "anything"))


def _text(schema: Schema) -> str:
    length = _limits(schema, "Length")
    if length:
        return f"text, {length} characters"
    pattern = schema.get("pattern", "").removesuffix(r"(?!\n)")
    if pattern == UUID_PATTERN:
        return "UUID in lower case"
    return schema.get("format") or f"text {pattern.strip('^$')}".strip()


def _limits(schema: Schema, of: str) -> str:
    least = schema.get(f"min{of or 'imum'}")
    most = schema.get(f"max{of or 'imum'}")
    if most is None:
        return "" if not least else f"from {int(least)}"
    if least is None:
        return f"up to {int(most)}"
    return f"{int(least)} to {int(most)}"


def _resolved(schema: Schema, schemas: Schema) -> tuple[Schema, bool]:
    """A schema without references, and whether its value may be null instead."""
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" not in schema:
        return schema, False
    kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
    inner, _ = _resolved(kinds[0], schemas)
    return inner, len(kinds) < len(schema["anyOf"])
