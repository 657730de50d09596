"""`souche venue`: who takes tickets, and from when to when."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from api import fields
from api.actors import Role
from ledger.batch import Recorded
from ledger.decisions.reference import VenueEntry
from ledger.decisions.venues import (
    QualifyVenue,
    RegisterVenue,
    ResumeVenue,
    SuspendVenue,
    VenueCommand,
    WithdrawQualification,
)
from ledger.facts import VenueRegistered
from ledger.values.reasons import Reason
from scripts.common.fields import Text, Venue, parse_day, parse_text, parser
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.options import As, Data, Json, new_app
from scripts.common.reference import reference_of
from scripts.common.refusals import RefusedError
from scripts.common.showing import print_json, print_table, say_done, say_once
from scripts.common.working import look, work
from scripts.paying.taken import Taken, frozen_for, taken_since, warn_of_what_stays

app = new_app("Venues: where tickets are taken, and paid.")

Make = Callable[[str, str], VenueCommand]  # command id, actor


@app.command(
    epilog=examples(
        'souche venue register 99900001100018 "Médiathèque de Montsauvy" \\',
        "    --region 27 --department 21",
    )
)
def register(
    *,
    venue: Venue,
    name: Text,
    region: Annotated[
        str,
        typer.Option(metavar="INSEE", parser=parser(fields.Region, "INSEE"), help="Such as 27."),
    ],
    department: Annotated[
        str,
        typer.Option(
            metavar="INSEE", parser=parser(fields.Department, "INSEE"), help="Such as 21, 2A, 974."
        ),
    ],
    data: Data = None,
    who: As = None,
) -> None:
    """Make a venue known under its SIRET. It takes no ticket before it is qualified."""
    wanted = VenueRegistered(venue=venue, name=name, region=region, department=department)
    done = _do_once(
        data,
        who,
        lambda command_id, actor: RegisterVenue(
            command_id=command_id,
            actor=actor,
            venue=venue,
            name=name,
            region=region,
            department=department,
        ),
        lambda known: known.registered == wanted,
    )
    say_once(f"{venue} is registered", done)


@app.command(
    epilog=examples(
        "souche venue qualify 99900001100018 --from 2022-01-01 \\",
        "    --authority 'Préfecture de région'",
    )
)
def qualify(
    *,
    venue: Venue,
    first_day: Annotated[
        date,
        typer.Option(
            "--from", metavar="DAY", parser=parse_day, help="The first day, such as 2022-01-01."
        ),
    ],
    authority: Annotated[
        str, typer.Option(metavar="TEXT", parser=parse_text, help="Who granted it.")
    ],
    last_day: Annotated[
        date | None,
        typer.Option(
            "--until", metavar="DAY", parser=parse_day, help="Inclusive; else until withdrawn."
        ),
    ] = None,
    data: Data = None,
    who: As = None,
) -> None:
    """Let a venue take tickets on these days."""
    if last_day is not None and last_day < first_day:
        raise typer.BadParameter("--until is before --from")
    done = _do_once(
        data,
        who,
        lambda command_id, actor: QualifyVenue(
            command_id=command_id,
            actor=actor,
            venue=venue,
            first_day=first_day,
            last_day=last_day,
            authority=authority,
        ),
        lambda known: (first_day, last_day) in known.qualified,
    )
    say_once(f"{venue} is qualified", done)


@app.command(epilog=examples("souche venue withdraw 99900001100018 --on 2022-09-01"))
def withdraw(
    venue: Venue,
    on: Annotated[
        date, typer.Option(metavar="DAY", parser=parse_day, help="The first day without.")
    ],
    data: Data = None,
    who: As = None,
) -> None:
    """End a venue's qualification. What it took before stays payable."""

    async def act(ledger: Ledger) -> tuple[Recorded | None, Taken]:
        done = await _once(
            ledger,
            lambda command_id, actor: WithdrawQualification(
                command_id=command_id, actor=actor, venue=venue, effective_on=on
            ),
            lambda known: known.qualified_before(on) == known.qualified,
        )
        return done, await taken_since(ledger.views, venue, on)

    done, taken = work(data, who, act)
    say_once(f"{venue} is not qualified from {on} on", done)
    warn_of_what_stays(venue, on, taken)


@app.command(epilog=examples("souche venue suspend 99900001100018 --cause 'Contrôle en cours'"))
def suspend(
    venue: Venue,
    cause: Annotated[
        str, typer.Option(metavar="TEXT", parser=parse_text, help="Why: it is recorded.")
    ],
    data: Data = None,
    who: As = None,
) -> None:
    """Freeze payments to a venue. What it earned is not lost.

    It goes on taking tickets, but for those whose rules refuse suspended venues. Frozen again for
    another cause, it has that one recorded too; one `resume` ends them all.
    """

    async def act(ledger: Ledger) -> Recorded | None:
        causes = await frozen_for(ledger.views, venue)
        return await _once(
            ledger,
            lambda command_id, actor: SuspendVenue(
                command_id=command_id, actor=actor, venue=venue, cause=cause
            ),
            lambda known: known.suspended and cause in causes,
        )

    say_once(f"Payments to {venue} are frozen", work(data, who, act))


@app.command(epilog=examples("souche venue resume 99900001100018"))
def resume(venue: Venue, data: Data = None, who: As = None) -> None:
    """Let payments to a venue go on, which were frozen."""

    async def act(ledger: Ledger) -> Recorded:
        command = ResumeVenue(command_id=str(uuid4()), actor=ledger.actor.id, venue=venue)
        try:
            return await ledger.do(command)
        except RefusedError as e:
            if e.refusal.reason is not Reason.VENUE_NOT_SUSPENDED:
                raise
            told = "`souche venue list` shows to whom payments are frozen."
            raise RefusedError(e.refusal, told) from e

    done = work(data, who, act)
    say_done(f"Payments to {venue} go on", done)


@app.command("list", epilog=examples("souche venue list", "souche venue list --json"))
def list_venues(data: Data = None, json: Json = False) -> None:
    """List venues and the days of their qualification, both inclusive."""
    venues = look(data, [], reference_of).venues.values()
    if json:
        print_json(list(venues))
        return
    rows = [
        [
            each.registered.venue,
            each.registered.name,
            each.registered.department,
            _days(each),
            "frozen" if each.suspended else "",
        ]
        for each in venues
    ]
    print_table("Venues", ["SIRET", "Name", "Department", "Qualified", "Payments"], rows)


async def _once(ledger: Ledger, make: Make, is_so: Callable[[VenueEntry], bool]) -> Recorded | None:
    """What came of a command, or nothing where the venue is like that already."""
    command = make(str(uuid4()), ledger.actor.id)
    known = ledger.writer.reference.venues.get(command.venue)
    return None if known is not None and is_so(known) else await ledger.do(command)


def _do_once(
    data: Path | None, who: Role | None, make: Make, is_so: Callable[[VenueEntry], bool]
) -> Recorded | None:
    async def act(ledger: Ledger) -> Recorded | None:
        return await _once(ledger, make, is_so)

    return work(data, who, act)


def _days(venue: VenueEntry) -> str:
    return ", ".join(f"{first} – {last or '…'}" for first, last in venue.qualified) or "no"
