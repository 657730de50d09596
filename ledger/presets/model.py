"""What a preset says: the fields of the commands, the facts around them, and where each is from."""

from datetime import date
from typing import Any, Literal

import msgspec

from ledger.facts import Rules
from ledger.values.ids import ProgrammeId
from ledger.values.money import Cents


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An article that values are taken from."""

    outlet: str
    title: str
    author: str | None = None
    published: date | None = None  # None: the article bears no date

    @property
    def short(self) -> str:
        """As a table cites it, such as `Horizon, 2022-01-10`."""
        return f"{self.outlet}, {self.published or 'undated'}"

    @property
    def citation(self) -> str:
        """As a list of sources has it, with title and author."""
        author = f" ({self.author})" if self.author else ""
        return f"{self.short}: {self.title}{author}"


class Provenance(msgspec.Struct, frozen=True):
    """Where a value is from: exactly one of the two."""

    source: Source | None = None  # the article that gives it
    assumed: str | None = None  # no article gives it: why we chose it
    note: str | None = None  # how the article was read

    @property
    def text(self) -> str:
        """The reason, or the article and how it was read."""
        if self.source is None:
            return self.assumed or ""
        return f"{self.source.short}. {self.note}" if self.note else self.source.short


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `OpenProgramme`, but for the shares, which stand with the funders."""

    id: ProgrammeId
    name: str
    zone: str
    cap_tickets: int | None
    parent: ProgrammeId | None


class Funder(msgspec.Struct, frozen=True, kw_only=True):
    """Who pays. `share` is its weight in the face value."""

    name: str
    share: int
    contribution_cents: Cents | None = None  # to the whole budget, fees included


class Territory(msgspec.Struct, frozen=True, kw_only=True):
    """Where people are given tickets."""

    name: str
    kind: Literal["country", "region", "department", "agglomeration"]
    insee: str | None = None  # code of the region, or of the department
    communes: int | None = None
    groupings: int | None = None  # of communes (EPCI)
    authorities: int | None = None  # that take part


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Who hands tickets out and takes them. Told, not enforced."""

    operator: str | None = None
    deployer: str | None = None
    qualified_by: str | None = None
    distribution_points: int | None = None
    venues: int | None = None
    weekly_opening_hours: int | None = None  # the least that a venue is open
    first_handed_out_on: date | None = None


class Volumes(msgspec.Struct, frozen=True, kw_only=True):
    """How much of it there is, over all years."""

    tickets: int | None = None
    carnets: int | None = None
    people: int | None = None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Money over all years. Venues are owed face value alone; fees are kept apart."""

    face_cents: Cents | None = None
    fees_cents: Cents | None = None
    total_cents: Cents | None = None


class RuleVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the rules, and the day of the programme's zone on which it comes into force."""

    in_force_from: date
    rules: Rules
    who: dict[str, str]  # category of an entitlement → the people it means


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A programme as published. Every value has its provenance under the same path."""

    programme: ProgrammeId
    name: str
    zone: str
    cap_tickets: int | None
    parent: ProgrammeId | None
    funders: dict[str, Funder]
    territory: Territory
    network: Network
    volumes: Volumes
    budget: Budget
    versions: tuple[RuleVersion, ...]  # version n at index n - 1; empty: none is published yet
    values: dict[str, Any]  # path → value, in the order of the file
    provenance: dict[str, Provenance]  # path → where it is from

    @property
    def shares(self) -> dict[str, int]:
        """Funder → weight, as `OpenProgramme` takes it."""
        return {funder: facts.share for funder, facts in self.funders.items()}

    @property
    def rules(self) -> tuple[Rules, ...]:
        return tuple(version.rules for version in self.versions)
