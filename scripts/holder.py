"""`souche holder`: who may have stock."""

from typing import Annotated
from uuid import uuid4

import typer

from api import fields
from ledger.batch import Recorded
from ledger.decisions.programmes import RegisterHolder
from scripts.common.fields import Holder, Text, parser
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.options import As, Data, Json, new_app
from scripts.common.reference import reference_of
from scripts.common.showing import print_json, print_table, say_done
from scripts.common.working import look, work

app = new_app("Holders: organisations that may have carnets in stock.")


@app.command(epilog=examples('souche holder register ml-belrive "Mission locale de Belrive"'))
def register(
    holder: Holder,
    name: Text,
    siret: Annotated[
        str | None,
        typer.Option(
            metavar="SIRET", parser=parser(fields.Siret, "SIRET"), help="Where it has one."
        ),
    ] = None,
    data: Data = None,
    who: As = None,
) -> None:
    """Make an organisation known: a funder, a town hall, a distribution point."""

    async def act(ledger: Ledger) -> Recorded:
        command = RegisterHolder(
            command_id=str(uuid4()), actor=ledger.actor.id, holder=holder, name=name, siret=siret
        )
        return await ledger.do(command)

    say_done(f"{holder} is registered", work(data, who, act))


@app.command("list")
def list_holders(data: Data = None, json: Json = False) -> None:
    """List who may have carnets."""
    holders = look(data, [], reference_of).holders.values()
    if json:
        print_json(list(holders))
    else:
        rows = [[each.holder, each.name, each.siret or ""] for each in holders]
        print_table("Holders", ["Holder", "Name", "SIRET"], rows)
