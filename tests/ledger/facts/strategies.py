"""Any event, drawn from the types of its fields."""

from datetime import UTC, date, datetime
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from ledger.facts import Event, Fact
from ledger.facts.codec import TOPICS

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    str: st.text(max_size=40),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.just(UTC)),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  # a type as `get_type_hints` gives it
    """Any value of this type.

    Raises:
        TypeError: no fact had a field of such a type before: say here how one is drawn. A set
            won't do: it has no one order, so its bytes could not be pinned.
    """
    if kind in SIMPLE:
        return SIMPLE[kind]
    if isinstance(kind, NewType):
        return values_of(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return examples_of(kind)
    return _generic(get_origin(kind), get_args(kind))


def _generic(origin: object, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {UnionType, Union}:
        return st.one_of(*map(values_of, arguments))
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=5).map(tuple)
    if origin is dict:
        return st.dictionaries(*map(values_of, arguments), max_size=5)
    raise TypeError(f"{origin} of {arguments}")


def examples_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    fields = get_type_hints(kind)
    return st.builds(kind, **{name: values_of(fields[name]) for name in kind.__struct_fields__})


def events_of(kind: type[Fact]) -> st.SearchStrategy[Event]:
    header = {
        name: values_of(hint) for name, hint in get_type_hints(Event).items() if name != "fact"
    }
    return st.builds(Event, **header, fact=examples_of(kind))


EVENTS = st.one_of(*map(events_of, TOPICS))
