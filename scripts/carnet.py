"""`souche carnet`: was this ticket redeemed, when, and where?"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from api.streams import events_of, fold
from ledger.decisions.carnets import Carnet
from ledger.decisions.redemption import last_usable_day
from ledger.values.ids import carnet_stream
from scripts.common.ending import CommandError
from scripts.common.helping import examples
from scripts.common.options import Data, Json, new_app
from scripts.common.reference import reference_of
from scripts.common.serials import Asked, parse_serial
from scripts.common.showing import print_definition, print_json, print_table, say
from scripts.common.working import Views, look
from scripts.stock.history import Line, Ticket, history_of, tickets_of

app = new_app()


@dataclass(frozen=True, slots=True)
class Story:
    """What the log says of a carnet."""

    carnet: Carnet
    last_day: str  # inclusive
    tickets: list[Ticket]
    history: list[Line]


@app.command(epilog=examples("souche carnet BFC22-0001234", "souche carnet BFC220001234 --json"))
def carnet(
    asked: Annotated[
        Asked,
        typer.Argument(
            metavar="CODE|SERIAL",
            parser=parse_serial,
            help="A ticket's code, or its carnet's serial.",
        ),
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Show a carnet's history, and what became of each of its tickets.

    Separators and case don't matter. Only the public part of a code is looked at: whether its
    secret is right is not said, and it is not printed. The serial alone does as well.
    """

    async def read(views: Views) -> Story | None:
        events = await events_of(views.connection, carnet_stream(asked.carnet))
        found = fold(events, Carnet)
        if found is None:
            return None
        reference = await reference_of(views)
        return Story(
            carnet=found,
            last_day=last_usable_day(found, reference),
            tickets=tickets_of(found, reference),
            history=history_of(events, reference),
        )

    story = look(data, [], read)
    if story is None:
        raise CommandError(f"There is no carnet {asked.carnet}.", "`souche order list` has orders.")
    if asked.ticket is not None and not 1 <= asked.ticket <= story.carnet.size:
        raise CommandError(f"{asked.carnet} has {story.carnet.size} tickets, none {asked.ticket}.")
    if json:
        print_json(_as_json(story, asked))
    else:
        _tell(story, asked)


def _as_json(story: Story, asked: Asked) -> dict[str, object]:
    issued = story.carnet.issued
    return {
        "carnet": asked.carnet,
        "ticket": asked.ticket,
        "programme": issued.programme,
        "millesime": issued.millesime,
        "order": issued.order,
        "holder": story.carnet.holder,
        "valid_from": issued.valid_from,
        "valid_until": issued.valid_until,
        "tickets": story.tickets,
        "history": story.history,
    }


def _tell(story: Story, asked: Asked) -> None:
    if asked.ticket is not None:
        say(
            f"Ticket {asked.ticket} of {asked.carnet}: {_in_words(story.tickets[asked.ticket - 1])}"
        )
    issued = story.carnet.issued
    say(
        f"Carnet {asked.carnet}: millésime {issued.millesime}, stock of {story.carnet.holder}, "
        f"good until {story.last_day}."
    )
    for each in story.history:
        when = f"{_when(each.recorded_at)} UTC, position {each.position:,}, {each.actor}"
        print_definition(when, each.told)
    rows = [
        [str(x.number), x.state, _when(x.redeemed_at), x.venue_name or ""] for x in story.tickets
    ]
    print_table("Tickets", [">Ticket", "State", "When (UTC)", "Where"], rows)


def _in_words(ticket: Ticket) -> str:
    if ticket.redeemed_at is None:
        return f"{ticket.state}."
    return (
        f"redeemed on {_when(ticket.redeemed_at)} UTC at {ticket.venue_name} ({ticket.venue}), "
        f"claim {ticket.claim}."
    )


def _when(instant: datetime | None) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}" if instant else ""
