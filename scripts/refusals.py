"""`souche refusals`: who was refused what, and why."""

import re
from dataclasses import asdict
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Final

import typer

from api import fields
from ledger.values.ids import TerminalId, VenueId
from ledger.values.reasons import Reason
from scripts.common.fields import parse_siret, parser
from scripts.common.helping import examples
from scripts.common.kept import Place, Refused, Wanted, latest
from scripts.common.numbers import number_option
from scripts.common.options import Data, Json, new_app
from scripts.common.refusals import in_words
from scripts.common.serials import Asked, parse_serial
from scripts.common.showing import moment, print_definition, print_json, say
from scripts.common.working import look

app = new_app()

_claim: Final = parser(fields.Uuid, "ID")


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as e:
        raise typer.BadParameter("a day or an instant, such as 2022-03-01T14:30") from e
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError as e:
        near = get_close_matches(text, list(Reason))
        told = f"near it: {', '.join(near)}" if near else f"there are {', '.join(sorted(Reason))}"
        raise typer.BadParameter(f"no refusal has the reason {text!r}; {told}") from e


@app.command(
    epilog=examples(
        "souche refusals --since 2022-03-01 --limit 10",
        "souche refusals --venue 99900001100018 --reason ticket-already-redeemed",
        "souche refusals --carnet BFC22-0001234",
        "souche refusals --claim 0f8fad5b-d9cb-469f-a165-70867728950e",
    )
)
def refusals(
    *,
    claim: Annotated[
        str | None,
        typer.Option(metavar="ID", parser=_claim, help="Of the claim, as the terminal made it."),
    ] = None,
    carnet: Annotated[
        Asked | None,
        typer.Option(
            metavar="CODE|SERIAL",
            parser=parse_serial,
            help="About this carnet, or shown with its serial: guesses are kept, too.",
        ),
    ] = None,
    terminal: Annotated[
        TerminalId | None,
        typer.Option(
            metavar="TERMINAL", parser=parser(fields.Terminal, "TERMINAL"), help="To this device."
        ),
    ] = None,
    venue: Annotated[
        VenueId | None,
        typer.Option(metavar="SIRET", parser=parse_siret, help="To any device of this venue."),
    ] = None,
    reason: Annotated[
        Reason | None,
        typer.Option(metavar="REASON", parser=_reason, help="Such as ticket-already-redeemed."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="WHEN", parser=_instant, help="A day or an instant, in UTC."),
    ] = None,
    limit: Annotated[int, number_option("COUNT", "Not more than that.", most=100_000)] = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what was refused, to whom and why, the latest first.

    What is asked for has to hold all at once. A request that could not be read or whose signature
    was wrong was answered, not decided: nothing is kept of it.
    """
    wanted = Wanted(
        limit=limit,
        claim=claim,
        carnet=carnet.carnet if carnet else None,
        terminal=terminal,
        venue=venue,
        reason=reason,
        since=since,
    )
    found = look(data, [], lambda views: latest(views, wanted))
    if json:
        print_json([_as_object(*each) for each in found])
        return
    for each in found:
        _print(*each)
    if not found:
        say("No such refusal is kept.")


def _as_object(refused: Refused, place: Place) -> dict[str, Any]:
    about = {"terminal": refused.terminal, "carnet": refused.detail.get("carnet")}
    return {**asdict(refused), **refused.titles, **about, **asdict(place)}


def _print(refused: Refused, place: Place) -> None:
    what = re.sub(r"(?<!^)(?=[A-Z])", " ", refused.command).lower()
    who = refused.actor
    if place.venue is not None:
        who = f"{refused.terminal} ({place.label}) at {place.venue_name} ({place.venue})"
    rules = f"; version {refused.rule_version} of the rules" if refused.rule_version else ""
    print_definition(
        f"{moment(refused.refused_at)}, {who}: {what}",
        f"{' / '.join(refused.titles.values()) or 'refused'} ({refused.reason}{rules})\n"
        + ", ".join([*in_words(refused.detail), _named(refused)]),
    )


def _named(refused: Refused) -> str:
    """The id of what was refused: a claim's is the one that the terminal made for it."""
    kind = {"RedeemTickets": "claim", "VoidRedemption": "void"}.get(refused.command, "command")
    return f"{kind} {refused.command_id}"
