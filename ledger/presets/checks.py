"""Whether a preset holds together: names that the ledger takes, sums that come out."""

import re
from collections.abc import Iterator
from datetime import date

from ledger.decisions.programmes import validity
from ledger.facts import Rules
from ledger.presets.model import Preset
from ledger.values.clock import start_of_day
from ledger.values.ids import NAME_PATTERN, PROGRAMME_PATTERN

Problem = tuple[str, str]  # key, what is wrong there


def problems(preset: Preset) -> Iterator[Problem]:
    """What is wrong with `preset`, first things first."""
    yield from _names(preset)
    yield from _funders(preset)
    yield from _sums(preset)
    days = [version.in_force_from for version in preset.versions]
    for number, version in enumerate(preset.versions, start=1):
        if number > 1 and days[number - 1] <= days[number - 2]:
            yield f"rules.{number}.in_force_from", "must come after the version before it"
        for key, problem in _rules(version.rules, preset.zone):
            yield f"rules.{number}.{key}", problem


def _names(preset: Preset) -> Iterator[Problem]:
    if not re.fullmatch(PROGRAMME_PATTERN, preset.programme):
        yield "programme.id", f"{preset.programme!r} can't begin a ticket code: {PROGRAMME_PATTERN}"
    try:
        start_of_day(date(2000, 1, 1), preset.zone)
    except (KeyError, ValueError):  # ZoneInfo's errors for names that are unknown and malformed
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
    budget, volumes = preset.budget, preset.volumes
    paid = [facts.contribution_cents for facts in preset.funders.values()]
    parts = [budget.face_cents, budget.fees_cents]
    if budget.total_cents is not None:
        if (known := _sum(paid)) not in {None, budget.total_cents}:
            yield "budget.total_cents", f"the funders contribute {known}"
        if (known := _sum(parts)) not in {None, budget.total_cents}:
            yield "budget.total_cents", f"face value and fees make {known}"
    if volumes.tickets is None or not preset.rules:
        return
    sizes = {size for rules in preset.rules for size in rules.sizes}
    values = {rules.face_value_cents for rules in preset.rules}
    if volumes.carnets is not None and len(sizes) == 1:
        [size] = sizes
        if volumes.carnets * size != volumes.tickets:
            yield "volumes.tickets", f"{volumes.carnets} carnets of {size} differ from it"
    if budget.face_cents is not None and len(values) == 1:
        [value] = values
        if volumes.tickets * value != budget.face_cents:
            yield "budget.face_cents", f"{volumes.tickets} tickets of {value} differ from it"


def _sum(parts: list[int | None] | list[int]) -> int | None:
    """The sum, or None where a part is unknown."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _rules(rules: Rules, zone: str) -> Iterator[Problem]:
    if not rules.sizes or min(rules.sizes) <= 0:
        yield "sizes", "must be positive, at least one"
    if rules.face_value_cents <= 0:
        yield "face_value_cents", "must be positive"
    if rules.max_tickets_per_claim <= 0:
        yield "max_tickets_per_claim", "must be positive"
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
