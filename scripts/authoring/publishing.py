"""Open a programme and publish its rules, as a file says: what the ledger has is not done again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from shlex import quote

from ledger.batch import Recorded
from ledger.decisions.programmes import OpenProgramme, PublishRules
from ledger.decisions.reference import ProgrammeEntry
from ledger.facts import ProgrammeOpened, Rules
from ledger.values.clock import local_day, real_now
from ledger.values.ids import ProgrammeId, derived_id
from ledger.values.reasons import Reason, Refusal
from scripts.authoring.reading import OwnProgramme, Version
from scripts.common.ending import CommandError
from scripts.common.ledger import Ledger
from scripts.common.refusals import RefusedError


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a version of the rules."""

    number: int
    version: Version
    done: Recorded | None  # None: it was published before, or its day is still to come
    is_early: bool = False


async def open_programme(ledger: Ledger, own: OwnProgramme) -> Recorded | None:
    """Open the programme; None where it is open already, and just so.

    Raises:
        CommandError: it was closed, or it is open and differs.
        RefusedError: the ledger refused.
    """
    told = own.opened
    entry = ledger.writer.reference.programmes.get(told.programme)
    if entry is not None:
        _refuse_closed(entry)
        _refuse_another(entry.opened, told)
        return None
    command = OpenProgramme(
        command_id=derived_id("programme", told.programme, "open"),
        actor=ledger.actor.id,
        programme=told.programme,
        name=told.name,
        zone=told.zone,
        cap_tickets=told.cap_tickets,
        shares=told.shares,
        parent=told.parent,
    )
    try:
        return await ledger.do(command)
    except RefusedError as e:
        raise _explain_parent(ledger, told, e) from e


async def publish_rules(
    ledger: Ledger, programme: ProgrammeId, own: OwnProgramme
) -> list[Published]:
    """Publish the versions that the ledger lacks and whose day has come.

    Raises:
        CommandError: the file is of another programme; or the programme was closed; or the file
            tells of it, or of a published version, something else than the ledger has.
        RefusedError: the ledger refused.
    """
    if own.opened.programme != programme:
        raise CommandError(
            f"{own.file} is the file of {own.opened.programme}, not of {programme}.",
            "`programme.id` in the file and the programme that you name have to be the same.",
        )
    entry = ledger.writer.reference.programmes.get(programme)
    if entry is None:
        raise RefusedError(
            Refusal(Reason.PROGRAMME_UNKNOWN),
            f"{programme} is not open yet. First: souche programme open {quote(str(own.file))}",
        )
    _refuse_closed(entry)
    _refuse_another(entry.opened, own.opened)
    for number, version in own.versions.items():
        if number <= entry.rule_version:
            _refuse_other_rules(programme, number, entry.rules[number - 1], version.rules)
    today = local_day(real_now() + ledger.writer.reference.clock_offset, entry.opened.zone)
    return [
        await _publish(ledger, programme, number, version, today)
        if number > entry.rule_version
        else Published(number, version, None)
        for number, version in own.versions.items()
    ]


async def _publish(
    ledger: Ledger, programme: ProgrammeId, number: int, version: Version, today: date
) -> Published:
    if version.in_force_from is not None and version.in_force_from > today:
        return Published(number, version, None, is_early=True)
    command = PublishRules(
        command_id=derived_id("programme", programme, "rules", number),
        actor=ledger.actor.id,
        programme=programme,
        rule_version=number,
        rules=version.rules,
    )
    return Published(number, version, await ledger.do(command))


def _explain_parent(ledger: Ledger, told: ProgrammeOpened, error: RefusedError) -> RefusedError:
    """The refusal; where the parent is known and can't be one, with the reason."""
    parent = ledger.writer.reference.programmes.get(told.parent) if told.parent else None
    if error.refusal.reason is not Reason.PARENT_UNKNOWN or parent is None:
        return error
    return RefusedError(
        error.refusal,
        f"{told.parent} draws on {parent.opened.parent} itself, and an envelope is not a tree. "
        f"Name {parent.opened.parent} as the parent, or none.",
    )


def _refuse_another(known: ProgrammeOpened, told: ProgrammeOpened) -> None:
    for name, (was, now) in _differences(known, told):
        key = "funders" if name == "shares" else f"programme.{name}"
        raise CommandError(
            f"{known.programme} is open already, and {key} differs: {was!r} there, {now!r} here.",
            "That can't be changed. Write what the ledger has, or open a programme of another id.",
        )


def _refuse_closed(entry: ProgrammeEntry) -> None:
    if entry.closed:
        raise CommandError(
            f"{entry.opened.programme} is closed: its tickets are taken no more.",
            "That stays so. Open a programme of another id.",
        )


def _refuse_other_rules(programme: ProgrammeId, number: int, known: Rules, told: Rules) -> None:
    for name, (was, now) in _differences(known, told):
        raise CommandError(
            f"Version {number} of {programme}'s rules is published, and rules.{number}.{name} "
            f"differs: {was!r} there, {now!r} here.",
            f"Published rules stay. Leave [rules.{number}] as it was, and write what changes as "
            "the next version.",
        )


def _differences(known: object, told: object) -> Iterator[tuple[str, tuple[object, object]]]:
    for name in known.__struct_fields__:  # type: ignore[attr-defined]  # both are structs
        was, now = getattr(known, name), getattr(told, name)
        if was != now:
            yield name, (was, now)
