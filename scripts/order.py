"""`souche order`: carnets from the printer to people's hands. Long work resumes after a kill."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from ledger.batch import Recorded
from ledger.decisions.programmes import FIRST_YEAR, LARGEST_SIZE, LAST_YEAR, OrderCarnets
from ledger.values.codes import LARGEST_NUMBER
from projections.exposure import CarnetOrder, list_orders
from scripts.common.fields import Held, Order, Programme
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.numbers import number_option
from scripts.common.options import As, Data, Json, new_app
from scripts.common.progress import progress
from scripts.common.showing import print_json, print_table, say, say_once
from scripts.common.working import Views, look, work
from scripts.stock.ageing import warn_if_offered_too_late, warn_if_over
from scripts.stock.bulk import activate_order, assign_carnets, transfer_carnets
from scripts.stock.issuing import issue
from scripts.stock.ordering import create_order, find_order
from scripts.stock.printing import Format, parse_print_file

app = new_app("Orders: carnets from the printer to people's hands.")


@app.command(
    epilog=examples(
        "souche order create BFC22 first --millesime 2022 \\",
        "    --carnets 9000 --size 5 --holder region-bfc",
    )
)
def create(
    *,
    programme: Programme,
    order: Order,
    millesime: Annotated[
        int,
        number_option("YEAR", "One that the rules offer.", least=FIRST_YEAR, most=LAST_YEAR),
    ],
    carnets: Annotated[int, number_option("COUNT", "How many.", most=LARGEST_NUMBER)],
    size: Annotated[
        int, number_option("TICKETS", "Of a carnet, as the rules offer.", most=LARGEST_SIZE)
    ],
    holder: Held,
    data: Data = None,
    who: As = None,
) -> None:
    """Order carnets. Their numbers, validity and face value are fixed from here on."""

    async def act(ledger: Ledger) -> Recorded | None:
        warn_if_offered_too_late(ledger, programme, millesime)
        entry = ledger.writer.reference.programmes.get(programme)
        command = OrderCarnets(
            command_id=str(uuid4()),
            actor=ledger.actor.id,
            programme=programme,
            parent=entry.opened.parent if entry else None,
            order=order,
            millesime=millesime,
            carnets=carnets,
            size=size,
            holder=holder,
        )
        return await create_order(ledger, command)

    say_once(f"{carnets:,} carnets are ordered", work(data, who, act))


@app.command("list", epilog=examples("souche order list", "souche order list --json"))
def list_all(data: Data = None, json: Json = False) -> None:
    """List orders and how far each is."""

    async def read(views: Views) -> list[CarnetOrder]:
        return await list_orders(views.connection)

    found = look(data, ["programmes"], read)
    if json:
        print_json(found)
        return
    titles = ["Programme", "Order", ">Millésime", ">Numbers", ">Issued", ">Tickets handed out"]
    print_table("Orders", titles, map(_row, found))


@app.command(
    "issue",
    epilog=examples(
        "souche order issue BFC22 first --to first.jsonl",
        "souche order issue BFC22 first --to first.csv --format csv",
    ),
)
def issue_order(
    *,
    programme: Programme,
    order: Order,
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            metavar="FILE",
            parser=parse_print_file,
            help="The print file, which only you can read.",
        ),
    ],
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="FORMAT",
            show_default=False,
            help="jsonl: a carnet a line (else this); csv: a ticket a line.",
        ),
    ] = Format.JSONL,
    data: Data = None,
    who: As = None,
) -> None:
    """Make an order's carnets exist, and write their codes for the printer.

    The codes are in FILE and nowhere else. Until the last carnet is issued, FILE.seed makes them
    again: after a kill the same command goes on where it stopped, with the same codes.
    """

    async def act(ledger: Ledger) -> int:
        ordered = (await find_order(ledger, programme, order)).ordered
        warn_if_over(ledger, ordered)
        with progress("issue", ordered.carnets) as advance:
            await issue(ledger, ordered, to, form, advance)
        return ordered.carnets

    say(f"{work(data, who, act):,} carnets are issued; their codes are in {to}.")


app.command(
    "activate",
    epilog=examples(
        "souche order activate BFC22 first",
        "souche order activate BFC22 first --first 1001 --count 500",
    ),
)(activate_order)

app.command(
    "transfer",
    epilog=examples(
        "souche order transfer BFC22 first --to ml-belrive --count 100",
        "souche order transfer BFC22 first --from ml-belrive --to region-bfc \\",
        "    --first 91 --count 10",
    ),
)(transfer_carnets)

app.command(
    "assign",
    epilog=examples(
        "souche order assign BFC22 first --holder ml-belrive --count 1",
        "souche order assign BFC22 first --holder ml-belrive --first 21 --count 5",
    ),
)(assign_carnets)


def _row(order: CarnetOrder) -> list[str]:
    numbers = f"{order.first_number} – {order.first_number + order.carnets - 1}"
    counts = (f"{order.issued_carnets:,}", f"{order.assigned_tickets:,}")
    return [order.programme, order.order_id, str(order.millesime), numbers, *counts]
