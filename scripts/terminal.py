"""`souche terminal`: devices of venues."""

import sys
from typing import Annotated
from uuid import uuid4

import segno
import typer

from api import fields
from api.streams import events_of
from ledger.batch import Recorded
from ledger.decisions.reference import Reference
from ledger.decisions.terminals import RevokeTerminal
from ledger.facts import TerminalRevoked
from ledger.service import Invitation, invite
from ledger.settings import Settings
from ledger.values.ids import TerminalId
from ledger.values.reasons import Reason, Refusal
from scripts.common.fields import Terminal, Venue, parse_text, parser
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.options import As, Data, Json, new_app
from scripts.common.reference import labels_of, reference_of
from scripts.common.refusals import RefusedError
from scripts.common.showing import print_json, print_table, say, say_once, warn
from scripts.common.unknown import advice
from scripts.common.working import Views, look, work
from scripts.service.notice import find_service

app = new_app("Terminals: invite a venue's device, revoke it, list them.")


@app.command("invite", epilog=examples("souche terminal invite 99900001100018 --label 'Comptoir'"))
def invite_terminal(
    venue: Venue,
    label: Annotated[
        str,
        typer.Option(
            metavar="TEXT", parser=parser(fields.ShortText, "TEXT"), help="What people call it."
        ),
    ] = "Terminal",
    data: Data = None,
    who: As = None,
    json: Json = False,
) -> None:
    """Make a one-time code for a device, good for ten minutes. It is shown here and kept nowhere.

    On a terminal it is shown as a QR code too, for the device to scan. That names the service
    which runs on the data folder; where none does, SOUCHE_AUTHORITY, or SOUCHE_HOST and
    SOUCHE_PORT.
    """

    async def act(ledger: Ledger) -> tuple[Invitation, str]:
        made = await invite(ledger.writer, venue, label, str(uuid4()), ledger.actor.id)
        if isinstance(made, Refusal):
            told = advice(made.reason, venue) if made.reason is Reason.VENUE_UNKNOWN else ""
            raise RefusedError(made, told)
        if not isinstance(made, Invitation):
            raise TypeError(f"unexpected outcome {type(made).__name__}")
        return made, _authority(ledger.settings)

    made, authority = work(data, who, act)
    text = f"souche:{authority}/{made.code}"
    if json:
        print_json({"invitation": made.code, "qr": text, **_times(made)})
        return
    if sys.stdout.isatty():
        segno.make_qr(text).terminal(compact=True)
    say(f"Invitation for {made.terminal} at {authority}, until {made.expires_at:%H:%M:%S} UTC:")
    say(made.code)


@app.command(epilog=examples("souche terminal revoke t-0123456789ab --cause 'Volé'"))
def revoke(
    terminal: Terminal,
    cause: Annotated[
        str, typer.Option(metavar="TEXT", parser=parse_text, help="Why: it is recorded.")
    ],
    data: Data = None,
    who: As = None,
) -> None:
    """Let a device redeem nothing any more, on any host, from this position on."""

    async def act(ledger: Ledger) -> Recorded | None:
        command = RevokeTerminal(
            command_id=str(uuid4()), actor=ledger.actor.id, terminal=terminal, cause=cause
        )
        for _, event in await events_of(ledger.views, command.stream):
            if isinstance(event.fact, TerminalRevoked) and event.fact.cause == cause:
                return None
        return await ledger.do(command)

    say_once(f"{terminal} is revoked", work(data, who, act))


@app.command("list", epilog=examples("souche terminal list"))
def list_terminals(data: Data = None, json: Json = False) -> None:
    """List devices and their venues."""

    async def read(views: Views) -> tuple[Reference, dict[TerminalId, str]]:
        return await reference_of(views), await labels_of(views)

    reference, labels = look(data, [], read)
    told = [
        {
            "terminal": name,
            "label": labels[name],
            "venue": each.venue,
            "state": ("revoked" if each.revoked else "enrolled" if each.fingerprint else "invited"),
            "fingerprint": each.fingerprint,
        }
        for name, each in reference.terminals.items()
    ]
    if json:
        print_json(told)
    else:
        rows = [list(each.values()) for each in told]
        print_table("Terminals", ["Terminal", "Label", "Venue", "State", "Key"], rows)


def _authority(settings: Settings) -> str:
    """What signatures are made over, as the service that runs knows itself."""
    found = find_service(settings.data)
    if found is None:
        warn(
            f"No service runs on {settings.data}: the invitation is for "
            f"{settings.signed_authority}, as the settings say."
        )
    return found or settings.signed_authority


def _times(made: Invitation) -> dict[str, object]:
    return {"terminal": made.terminal, "expires_at": made.expires_at, "position": made.position}
