"""What a read model is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import psycopg

from ledger.facts import Fact
from ledger.facts.codec import TOPICS
from projections.batch import Batch

Connection = psycopg.Connection[tuple[Any, ...]]
AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]
Summary = TypeVar("Summary")


@dataclass(frozen=True)
class Projection(Generic[Summary]):
    """A read model: its tables, the facts it wants, and how it takes a batch of them.

    `summarise` is pure arithmetic in Python; `write` has one statement a table. Whatever the
    two do for a batch is committed together with the position that it reaches.
    """

    name: str
    version: int  # a change of tables or meaning is a new one: the read model is made anew
    tables: tuple[str, ...]
    ddl: str  # unqualified names: a rebuild runs it in a schema beside the live one
    wants: frozenset[type[Fact]]
    summarise: Callable[[Batch], Summary]
    write: Callable[[Connection, Summary], None]
    cut_after: frozenset[type[Fact]] = field(default=frozenset())  # parts are written one by one

    @cached_property
    def topics(self) -> frozenset[str]:
        """The tags of what it wants."""
        return frozenset(TOPICS[kind] for kind in self.wants)


AnyProjection = Projection[Any]
