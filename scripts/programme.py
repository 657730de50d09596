"""`souche programme`: presets, funding, and where each programme stands."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import typer

from ledger import presets
from ledger.batch import Recorded
from ledger.decisions.funding import RecordFunding, Stage
from ledger.decisions.programmes import FIRST_YEAR, LAST_YEAR, CloseProgramme
from ledger.decisions.reference import Reference
from ledger.facts import Rules
from ledger.values.clock import local_day, real_now
from ledger.values.ids import ProgrammeId, derived_id
from ledger.values.reasons import Reason, Refusal
from projections.exposure import Exposure, exposure
from scripts.authoring.closing import ask_before_closing
from scripts.authoring.example import example_file
from scripts.authoring.publishing import Published, open_programme, publish_rules
from scripts.authoring.reading import parse_file, read_programme
from scripts.authoring.showing import rows_of
from scripts.common.amounts import parse_parts
from scripts.common.fields import Programme, parse_day, parse_text
from scripts.common.funding import explain_funding, warn_of_funding
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.numbers import number_option, whole
from scripts.common.options import As, Data, Json, new_app
from scripts.common.reference import reference_of
from scripts.common.refusals import RefusedError
from scripts.common.showing import euros, print_definition, print_json, print_table, say, say_done
from scripts.common.unknown import advice
from scripts.common.working import Views, look, work

app = new_app("Programmes: open one, publish its rules, fund it, see where it stands.")

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        parser=parse_file,
        help="In TOML, as `souche programme example` prints it.",
    ),
]


@app.command(
    epilog=examples(
        "souche programme example > mine.toml",
        "souche programme open mine.toml",
        "souche programme rules PASS mine.toml",
    )
)
def example(
    year: Annotated[
        int | None,
        number_option("YEAR", "Of the programme; else this one.", least=FIRST_YEAR, most=LAST_YEAR),
    ] = None,
) -> None:
    """Print a file of a programme of your own, every key explained, to begin with."""
    sys.stdout.write(example_file(year or local_day(real_now(), "Europe/Paris").year))


@app.command("open", epilog=examples("souche programme open mine.toml"))
def open_own(file: File, data: Data = None, who: As = None) -> None:
    """Open a programme of your own, as a file says.

    The rules in the file are checked, and published by `souche programme rules`. Opened again
    from the same file, nothing happens.
    """
    own = read_programme(file)
    programme = own.opened.programme

    async def act(ledger: Ledger) -> tuple[Recorded | None, int]:
        done = await open_programme(ledger, own)
        entry = ledger.writer.reference.programmes.get(programme)
        return done, entry.rule_version if entry else 0

    done, published = work(data, who, act)
    if done is None:
        say(f"{programme} is open already, as the file says.")
    else:
        say_done(f"{programme} is open", done)
    if published < max(own.versions, default=1):
        say(f"Its rules are next: souche programme rules {programme} '{file}'")


@app.command(
    epilog=examples(
        "souche programme rules PASS",
        "souche programme rules PASS --json",
        "souche programme rules PASS mine.toml",
    )
)
def rules(
    *,
    programme: Programme,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            parser=parse_file,
            help="Publish the rules in it; without one, show those that are published.",
        ),
    ] = None,
    data: Data = None,
    who: As = None,
    json: Json = False,
) -> None:
    """Show a programme's rules, or publish those of a file.

    A version that is published stays, and is passed over. To change something, add the next one
    to the file, with all of its rules, and publish again.
    """
    if file is not None:
        own = read_programme(file)
        for each in work(data, who, lambda ledger: publish_rules(ledger, programme, own)):
            _tell_published(programme, each)
        return
    entry = look(data, [], reference_of).programmes.get(programme)
    if entry is None:
        reason = Reason.PROGRAMME_UNKNOWN
        raise RefusedError(Refusal(reason), advice(reason, programme))
    _show_rules(programme, entry.rules, json=json)


@app.command(
    "presets", epilog=examples("souche programme presets", "souche programme preset bfc22")
)
def list_presets(json: Json = False) -> None:
    """List the programmes that come with Souche, made from published articles."""
    found = [presets.load(name) for name in presets.names()]
    if json:
        print_json([{"programme": each.programme, "name": each.name} for each in found])
        return
    rows = [
        [each.programme, each.name, "none" if each.cap_tickets is None else f"{each.cap_tickets:,}"]
        for each in found
    ]
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
        int,
        typer.Argument(
            metavar="MILLESIME", parser=whole(FIRST_YEAR, LAST_YEAR), help="Such as 2022."
        ),
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
    cents = parse_parts(parts)
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
        warn_of_funding(ledger, command)
        try:
            return await ledger.do(command)
        except RefusedError as e:
            raise explain_funding(ledger, command, e) from e

    say_done(f"{euros(sum(cents.values()))} recorded", work(data, who, act))


@app.command(epilog=examples("souche programme close BFC22", "souche programme close BFC22 --yes"))
def close(
    *,
    programme: Programme,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask: it is meant.")] = False,
    data: Data = None,
    who: As = None,
) -> None:
    """Close a programme: nothing is ordered, handed out or redeemed in it any more.

    This can't be undone. It says how many tickets are in circulation, and asks; where nobody can
    be asked, it takes --yes.
    """
    ask_before_closing(data, programme, yes=yes)

    async def act(ledger: Ledger) -> Recorded:
        command = CloseProgramme(
            command_id=str(uuid4()), actor=ledger.actor.id, programme=programme
        )
        return await ledger.do(command)

    say_done(f"{programme} is closed", work(data, who, act))


@app.command("list", epilog=examples("souche programme list", "souche programme list --json"))
def list_programmes(data: Data = None, json: Json = False) -> None:
    """Show each millésime: tickets from order to redemption, and their funding.

    Redeemed is what was not voided. In circulation is what was activated and not redeemed: tickets
    of a closed programme, or of days that are over, stay there, and no venue can take them.
    """

    async def read(views: Views) -> tuple[list[Exposure], Reference]:
        return await exposure(views.connection), await reference_of(views)

    found, reference = look(data, ["programmes"], read)
    if json:
        print_json([_as_object(each, reference) for each in found])
        return
    names = [f"{each.programme} {each.millesime}" for each in found]
    told = [[name, *_in_tickets(each)] for name, each in zip(names, found, strict=True)]
    print_table("Programmes, in tickets", ["Millésime", *map(">{}".format, _TICKETS)], told)
    told = [[name, *_in_euros(each)] for name, each in zip(names, found, strict=True)]
    print_table("Programmes, in euros", ["Millésime", *map(">{}".format, _EUROS)], told)
    if idle := reference.programmes.keys() - {each.programme for each in found}:
        say(f"Nothing was funded or ordered: {', '.join(sorted(idle))}.")
    if closed := [name for name, entry in reference.programmes.items() if entry.closed]:
        say(f"Closed: {', '.join(sorted(closed))}.")


_TICKETS: Final = ("Ordered", "Issued", "Activated", "Handed out", "Redeemed", "In circulation")
_EUROS: Final = ("Committed", "Payment orders", "Paid in", "Redeemed")


def _in_tickets(each: Exposure) -> list[str]:
    redeemed = each.redeemed_tickets - each.voided_tickets
    stages = (each.ordered_tickets, each.issued_tickets, each.activated_tickets)
    counts = (*stages, each.assigned_tickets, redeemed, each.activated_tickets - redeemed)
    return [f"{count:,}" for count in counts]


def _in_euros(each: Exposure) -> list[str]:
    funding = (each.committed_cents, each.payment_ordered_cents, each.received_cents)
    return [euros(cents) for cents in (*funding, each.redeemed_cents - each.voided_cents)]


def _as_object(each: Exposure, reference: Reference) -> dict[str, object]:
    entry = reference.programmes[ProgrammeId(each.programme)]
    told = {"name": entry.opened.name, "closed": entry.closed}
    return {**told, **asdict(each), "circulating_cents": each.circulating_cents}


def _tell_published(programme: str, each: Published) -> None:
    what = f"Version {each.number} of {programme}'s rules"
    if each.done is not None:
        say_done(f"{what} is published", each.done)
    elif each.is_early:
        say(f"{what} waits for {each.version.in_force_from}: publish it then.")
    else:
        say(f"{what} is published already, as the file says.")


def _show_rules(programme: str, versions: Sequence[Rules], *, json: bool) -> None:
    numbered = list(enumerate(versions, start=1))
    if json:
        print_json([{"rule_version": number, "rules": version} for number, version in numbered])
        return
    for number, version in numbered:
        title = f"{programme}: version {number} of the rules"
        print_table(title, ["Rule", "Value"], rows_of(version))
    if not versions:
        say(f"No rules are published for {programme}.")


def _explain(name: str, *, json: bool) -> None:
    found = presets.load(name)
    lines = list(presets.explain(found))
    if json:
        print_json(lines)
        return
    say(f"{found.programme}: {found.name}\n")
    for line in lines:
        print_definition(f"{line.path}: {line.value}", f"{line.basis}: {line.because}")


async def _open(ledger: Ledger, name: str, on: date | None) -> list[Recorded]:
    return [await ledger.do(each) for each in presets.commands(name, ledger.actor.id, on=on)]


def _stage(text: str) -> Stage:
    match text:
        case "commitment" | "order" | "cash":
            return text
        case _:
            told = f"{text!r} is none of commitment, order, cash"
            raise typer.BadParameter(told, param_hint="STAGE")
