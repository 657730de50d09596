"""Whether a preset holds together: names that the ledger takes, sums that come out."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

from ledger.decisions.programmes import LARGEST_CLAIM, LARGEST_SIZE, validity
from ledger.facts import Rules
from ledger.presets.model import Preset
from ledger.values.clock import start_of_day
from ledger.values.ids import NAME_PATTERN, PROGRAMME_PATTERN

Problem = tuple[str, str]  # key, what is wrong there


def problems(preset: Preset, *, file_name: str, known: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with the preset of that file, first things first; `known` are all presets."""
    if preset.programme != file_name:
        yield "programme.id", f"{preset.programme!r} is not the name of the file"
    if preset.parent is not None and preset.parent not in known:
        yield "programme.parent", f"no preset {preset.parent!r}"
    yield from _names(preset)
    yield from _funders(preset)
    days = [version.in_force_from for version in preset.versions]
    for number, version in enumerate(preset.versions, start=1):
        if number > 1 and days[number - 1] <= days[number - 2]:
            yield f"rules.{number}.in_force_from", "must come after the version before it"
        for key, problem in _rules(version.rules, preset.zone):
            yield f"rules.{number}.{key}", problem
    yield from _sums(preset)


def _names(preset: Preset) -> Iterator[Problem]:
    if not re.fullmatch(PROGRAMME_PATTERN, preset.programme):
        yield "programme.id", f"{preset.programme!r} can't begin a ticket code: {PROGRAMME_PATTERN}"
    try:
        start_of_day(date(2000, 1, 1), preset.zone)
    except (KeyError, OSError, ValueError):  # unknown, a folder of zones, no name at all
        yield "programme.zone", f"unknown zone {preset.zone!r}"
    if preset.cap_tickets is not None and preset.cap_tickets <= 0:
        yield "programme.cap_tickets", "must be positive"


def _funders(preset: Preset) -> Iterator[Problem]:
    if not preset.funders:
        yield "funders", "at least one funder is needed"
    for funder, facts in preset.funders.items():
        if not re.fullmatch(NAME_PATTERN, funder):
            yield f"funders.{funder}", f"is no identifier: {NAME_PATTERN}"
        if facts.share <= 0:
            yield f"funders.{funder}.share", "must be positive"


def _sums(preset: Preset) -> Iterator[Problem]:
    """The articles' figures, wherever there are enough of them to disagree."""
    for key, stated, made in _figures(preset):
        if stated is not None and made is not None and stated != made:
            yield key, f"is {stated}, and the other figures make {made}"


def _figures(preset: Preset) -> Iterator[tuple[str, int | None, int | None]]:
    budget, volumes = preset.budget, preset.volumes
    contributions = [facts.contribution_cents for facts in preset.funders.values()]
    yield "budget.total_cents", budget.total_cents, _sum(contributions)
    yield "budget.total_cents", budget.total_cents, _sum([budget.face_cents, budget.fees_cents])
    size = _only({size for rules in preset.rules for size in rules.sizes})
    yield "volumes.tickets", volumes.tickets, _product(volumes.carnets, size)
    value = _only({rules.face_value_cents for rules in preset.rules})
    yield "budget.face_cents", budget.face_cents, _product(volumes.tickets, value)


def _sum(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _product(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left * right


def _only(values: AbstractSet[int]) -> int | None:
    """The one value, or None where there are several or none."""
    return next(iter(values)) if len(values) == 1 else None


def _rules(rules: Rules, zone: str) -> Iterator[Problem]:
    if not rules.sizes or not all(1 <= size <= LARGEST_SIZE for size in rules.sizes):
        yield "sizes", f"must be one or more, from 1 to {LARGEST_SIZE}"
    if rules.face_value_cents <= 0:
        yield "face_value_cents", "must be positive"
    if not 1 <= rules.max_tickets_per_claim <= LARGEST_CLAIM:
        yield "max_tickets_per_claim", f"must be from 1 to {LARGEST_CLAIM}"
    if rules.void_minutes < 0:
        yield "void_minutes", "can't be negative"
    if not rules.millesimes:
        yield "millesimes", "must be at least one year"
    if (rules.acceptance.kind == "national") is bool(rules.acceptance.codes):
        yield "acceptance", "codes go with every kind but national"
    for year in rules.millesimes:
        try:
            validity(rules, year, zone)
        except ValueError:
            yield (
                "last_day",
                f"{rules.first_day} to {rules.last_day} are no days of {year} and after",
            )
    if (day := rules.distribution_last_day) and not _is_day(day):
        yield "distribution_last_day", f"{day!r} is no day of the year"


def _is_day(day: str) -> bool:
    try:
        date.fromisoformat(f"2001-{day}")
    except ValueError:
        return False
    return True
