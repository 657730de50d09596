"""`souche payouts`: what venues are owed, and the runs that pay them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from api.actors import Role
from api.payment_runs import RunView
from ledger.batch import Recorded
from ledger.values.ids import RunId
from projections.payouts import VenuePayout, list_payouts
from scripts.common import runs
from scripts.common.ending import CommandError
from scripts.common.fields import Run
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.options import As, Data, Json, new_app
from scripts.common.showing import euros, print_json, print_table, say, say_done
from scripts.common.working import Views, look, work

app = new_app(
    "Payouts: what venues are owed, and the runs that pay them.\n\n"
    "A run goes cutoff, draft, submit, approve (by another person), pay."
)

Step = Callable[[Ledger, RunId], Awaitable[Recorded]]


@app.command("list")
def list_venues(data: Data = None, json: Json = False) -> None:
    """List what each venue earned, was paid and is owed."""

    async def read(views: Views) -> list[VenuePayout]:
        return await list_payouts(views.connection)

    found = look(data, ["payouts"], read)
    if json:
        print_json(found)
        return
    rows = [
        [
            each.venue,
            f"{each.redeemed_tickets - each.voided_tickets:,}",
            euros(each.redeemed_cents - each.voided_cents),
            euros(each.reimbursed_cents),
            euros(each.owed_cents),
        ]
        for each in found
    ]
    print_table("Payouts", ["SIRET", ">Tickets", ">Earned", ">Paid", ">Owed"], rows)


@app.command(epilog=examples("souche payouts cutoff 2022-03"))
def cutoff(run: Run, data: Data = None, who: As = None) -> None:
    """Open a run: it pays what is owed at this very position of the log."""
    say_done(f"Run {run} has its cutoff", _step(data, who, run, runs.fix_cutoff))


@app.command(epilog=examples("souche payouts draft 2022-03"))
def draft(run: Run, data: Data = None, who: As = None) -> None:
    """Lay down what the run pays to each venue."""
    say_done(f"Run {run} is drafted", _step(data, who, run, runs.draft))


@app.command(epilog=examples("souche payouts submit 2022-03"))
def submit(run: Run, data: Data = None, who: As = None) -> None:
    """Ask another person to approve the run."""
    say_done(f"Run {run} is submitted", _step(data, who, run, runs.submit))


@app.command(
    epilog=examples(
        "souche payouts show 2022-03",
        "souche payouts approve 2022-03 --digest 5f0c…",
        "SOUCHE_TOKEN=souche_… \\",
        "    souche payouts approve 2022-03 --digest 5f0c…",
    )
)
def approve(
    run: Run,
    digest: Annotated[
        str,
        typer.Option(metavar="DIGEST", help="Of the run as you read it: `payouts show` prints it."),
    ],
    data: Data = None,
    who: As = None,
) -> None:
    """Approve exactly what was read. Never who submitted it."""

    async def act(ledger: Ledger) -> Recorded:
        return await runs.approve(ledger, run, digest)

    say_done(f"Run {run} is approved", work(data, who, act, role=Role.APPROVER))


@app.command(epilog=examples("souche payouts pay 2022-03"))
def pay(run: Run, data: Data = None, who: As = None) -> None:
    """Let every transfer of an approved run leave. Repeated, it goes on where it stopped."""
    say_done(f"Run {run} is paid", _step(data, who, run, runs.pay))


@app.command(epilog=examples("souche payouts withdraw 2022-03"))
def withdraw(run: Run, data: Data = None, who: As = None) -> None:
    """Close a run before its end: no more of it leaves, and what has not left stays owed.

    The next run can begin only then, or when this one is paid.
    """
    say_done(f"Run {run} is withdrawn", _step(data, who, run, runs.withdraw))


@app.command(epilog=examples("souche payouts show 2022-03", "souche payouts show 2022-03 --json"))
def show(run: Run, data: Data = None, json: Json = False) -> None:
    """Show a run, its lines, and the digest that an approver signs."""

    async def read(views: Views) -> RunView | None:
        return await runs.view(views.connection, run)

    found = look(data, ["payouts"], read)
    if found is None:
        raise CommandError(f"There is no run {run}.", "Open it with `souche payouts cutoff`.")
    drafted = found.so_far.drafted
    if json:
        print_json(
            {
                "run": run,
                "state": found.state,
                "cutoff": found.so_far.cutoff,
                "digest": drafted.digest if drafted else None,
                "amount_cents": sum(line.amount_cents for line in found.lines.lines),
                "paid_cents": found.so_far.cents_paid,
                "lines": found.lines.lines,
                "carried_forward": found.lines.carried_forward,
            }
        )
        return
    rows = [[line.venue, euros(line.amount_cents)] for line in found.lines.lines]
    print_table(f"Run {run}: {found.state}", ["SIRET", ">To pay"], rows)
    say(f"Paid: {euros(found.so_far.cents_paid)}. Digest: {drafted.digest if drafted else 'none'}")


def _step(data: Path | None, who: Role | None, run: RunId, step: Step) -> Recorded:
    async def act(ledger: Ledger) -> Recorded:
        return await step(ledger, run)

    return work(data, who, act, reads=step in {runs.draft, runs.pay})
