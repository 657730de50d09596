"""`souche holder`: who may have stock."""

from typing import Annotated
from uuid import uuid4

import typer

from ledger.batch import Recorded
from ledger.decisions.programmes import RegisterHolder
from ledger.facts import HolderRegistered
from scripts.common.fields import Holder, Text, parse_siret
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.options import As, Data, Json, new_app
from scripts.common.reference import reference_of
from scripts.common.showing import print_json, print_table, say_once
from scripts.common.working import look, work

app = new_app("Holders: organisations that may have carnets in stock.")


@app.command(epilog=examples('souche holder register ml-belrive "Mission locale de Belrive"'))
def register(
    holder: Holder,
    name: Text,
    siret: Annotated[
        str | None,
        typer.Option(metavar="SIRET", parser=parse_siret, help="Where it has one."),
    ] = None,
    data: Data = None,
    who: As = None,
) -> None:
    """Make an organisation known: a funder, a town hall, a distribution point."""
    wanted = HolderRegistered(holder=holder, name=name, siret=siret)

    async def act(ledger: Ledger) -> Recorded | None:
        if ledger.writer.reference.holders.get(holder) == wanted:
            return None
        command = RegisterHolder(
            command_id=str(uuid4()), actor=ledger.actor.id, holder=holder, name=name, siret=siret
        )
        return await ledger.do(command)

    say_once(f"{holder} is registered", work(data, who, act))


@app.command("list", epilog=examples("souche holder list"))
def list_holders(data: Data = None, json: Json = False) -> None:
    """List who may have carnets."""
    holders = look(data, [], reference_of).holders.values()
    if json:
        print_json(list(holders))
    else:
        rows = [[each.holder, each.name, each.siret or ""] for each in holders]
        print_table("Holders", ["Holder", "Name", "SIRET"], rows)
