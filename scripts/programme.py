"""`souche programme`: presets, funding, and where each programme stands."""

from datetime import date
from typing import Annotated
from uuid import uuid4

import typer

from ledger import presets
from ledger.batch import Recorded
from ledger.decisions.funding import RecordFunding, Stage
from ledger.decisions.programmes import CloseProgramme
from ledger.values.ids import derived_id
from ledger.values.money import Cents
from projections.exposure import Exposure, exposure
from scripts.common.fields import Programme, parse_day, parse_name, parse_text
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.options import As, Data, Json, new_app
from scripts.common.showing import euros, print_json, print_table, say, say_done
from scripts.common.working import Views, look, work

app = new_app("Programmes: open one from a preset, fund it, see where it stands.")


@app.command("presets")
def list_presets(json: Json = False) -> None:
    """List the programmes that come with Souche, as articles have told of them."""
    found = [presets.load(name) for name in presets.names()]
    if json:
        print_json([{"programme": each.programme, "name": each.name} for each in found])
        return
    rows = [[each.programme, each.name, f"{each.cap_tickets or 0:,}"] for each in found]
    print_table("Presets", ["Programme", "Name", ">Cap, tickets"], rows)


@app.command(
    epilog=examples(
        "souche programme preset bfc22",
        "souche programme preset bfc22 --open",
        "souche programme preset ca62 --open --on 2021-11-16",
    )
)
def preset(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as BFC22.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Say where each value is from (the default).")
    ] = False,
    open_it: Annotated[
        bool, typer.Option("--open", help="Open it in the ledger, with its rules.")
    ] = False,
    on: Annotated[
        date | None,
        typer.Option(metavar="DAY", parser=parse_day, help="Only the rules in force by then."),
    ] = None,
    data: Data = None,
    who: As = None,
    json: Json = False,
) -> None:
    """Explain a preset, value by value, or open it in the ledger.

    Opening it again publishes the rules that have come into force since, and nothing else.
    """
    if explain or not open_it:
        _explain(name, json=json)
    if open_it:
        done = work(data, who, lambda ledger: _open(ledger, name, on))
        new = sum(not each.replayed for each in done)
        say(f"{name.upper()} is open: {new} facts are new, {len(done) - new} were there.")


@app.command(
    epilog=examples(
        "souche programme fund BFC22 2022 cash VIR-0042 \\",
        "    region-bfc=225000.00 anct=225000",
    )
)
def fund(
    *,
    programme: Programme,
    millesime: Annotated[
        int, typer.Argument(metavar="MILLESIME", min=2000, max=2199, help="Such as 2022.")
    ],
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="commitment, order or cash.")],
    reference: Annotated[
        str,
        typer.Argument(metavar="REFERENCE", parser=parse_text, help="Its number at the funder."),
    ],
    parts: Annotated[
        list[str], typer.Argument(metavar="FUNDER=EUROS...", help="Each funder's part.")
    ],
    data: Data = None,
    who: As = None,
) -> None:
    """Record that funders promised, ordered or paid face value. Fees are booked elsewhere.

    The reference names it at the funder: recorded again with the same one, nothing happens.
    """
    cents = dict(_part(part) for part in parts)
    told = _stage(stage)

    async def act(ledger: Ledger) -> Recorded:
        command = RecordFunding(
            command_id=derived_id("fund", programme, millesime, stage, reference),
            actor=ledger.actor.id,
            programme=programme,
            millesime=millesime,
            stage=told,
            reference=reference,
            cents=cents,
        )
        return await ledger.do(command)

    say_done(f"{euros(sum(cents.values()))} recorded", work(data, who, act))


@app.command(epilog=examples("souche programme close BFC22"))
def close(programme: Programme, data: Data = None, who: As = None) -> None:
    """Close a programme: nothing is ordered, handed out or redeemed in it any more."""

    async def act(ledger: Ledger) -> Recorded:
        command = CloseProgramme(
            command_id=str(uuid4()), actor=ledger.actor.id, programme=programme
        )
        return await ledger.do(command)

    say_done(f"{programme} is closed", work(data, who, act))


@app.command("list")
def list_programmes(data: Data = None, json: Json = False) -> None:
    """Show each millésime: tickets from order to redemption, and their funding."""

    async def read(views: Views) -> list[Exposure]:
        return await exposure(views.connection)

    found = look(data, ["programmes"], read)
    if json:
        print_json(found)
        return
    rows = [
        [
            f"{each.programme} {each.millesime}",
            *(
                f"{count:,}"
                for count in (
                    each.ordered_tickets,
                    each.issued_tickets,
                    each.activated_tickets,
                    each.assigned_tickets,
                    each.redeemed_tickets - each.voided_tickets,
                )
            ),
            euros(each.received_cents),
        ]
        for each in found
    ]
    titles = ["Ordered", "Issued", "Activated", "Handed out", "Redeemed", "Paid in"]
    print_table("Programmes, in tickets", ["Millésime", *(f">{title}" for title in titles)], rows)


def _explain(name: str, *, json: bool) -> None:
    found = presets.load(name)
    lines = list(presets.explain(found))
    if json:
        print_json(lines)
        return
    rows = [[line.path, line.value, line.basis, line.because] for line in lines]
    print_table(f"{found.programme}: {found.name}", ["Value", "", "Basis", "Because"], rows)


async def _open(ledger: Ledger, name: str, on: date | None) -> list[Recorded]:
    return [await ledger.do(each) for each in presets.commands(name, ledger.actor.id, on=on)]


def _stage(text: str) -> Stage:
    match text:
        case "commitment" | "order" | "cash":
            return text
        case _:
            raise typer.BadParameter("one of commitment, order, cash")


def _part(text: str) -> tuple[str, Cents]:
    """A funder's part, in euros: exact, since it is money."""
    funder, _, amount = text.partition("=")
    whole, _, rest = amount.partition(".")
    if not (funder and whole.isdecimal() and (rest + "00").isdecimal() and len(rest) <= 2):  # noqa: PLR2004
        raise typer.BadParameter(f"{text!r} is not like region-bfc=225000.00")
    return parse_name(funder), Cents(int(whole + (rest + "00")[:2]))
