"""`souche payouts`: what venues are owed, and the runs that pay them."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from api.actors import Role
from ledger.batch import Recorded
from ledger.decisions.reference import Reference
from ledger.facts import PaymentRunDrafted
from ledger.values.ids import RunId
from projections.payouts import VenuePayout, list_payouts
from projections.waiting import NotReachedError
from scripts.common import runs
from scripts.common.ending import CommandError
from scripts.common.fields import Run
from scripts.common.helping import examples
from scripts.common.ledger import Ledger
from scripts.common.options import As, Data, Json, new_app
from scripts.common.reference import reference_of
from scripts.common.refusals import RefusedError
from scripts.common.showing import euros, print_json, print_table, say, say_done, warn
from scripts.common.tokens import is_kept
from scripts.common.working import Views, look, work
from scripts.paying.next_step import advised
from scripts.paying.showing import as_object, print_run, print_runs
from scripts.paying.standing import Standing, standing, what_left, why_stayed
from scripts.paying.steps import RunSummary, list_runs

app = new_app(
    "Payouts: what venues are owed, and the runs that pay them.\n\n"
    "A run goes cutoff, draft, submit, approve (by another person), pay."
)

T = TypeVar("T")
Step = Callable[[Ledger, RunId], Awaitable[Recorded]]


@app.command("list", epilog=examples("souche payouts list", "souche payouts list --json"))
def list_venues(data: Data = None, json: Json = False) -> None:
    """List what each venue earned, was paid and is owed."""

    async def read(views: Views) -> tuple[list[VenuePayout], Reference]:
        return await list_payouts(views.connection), await reference_of(views)

    found, reference = look(data, ["payouts"], read)
    names = {each.venue: reference.venues[each.venue].registered.name for each in found}
    if json:
        print_json([{"name": names[each.venue], **asdict(each)} for each in found])
        return
    rows = [
        [
            each.venue,
            names[each.venue],
            f"{each.redeemed_tickets - each.voided_tickets:,}",
            euros(each.redeemed_cents - each.voided_cents),
            euros(each.reimbursed_cents),
            euros(each.owed_cents),
        ]
        for each in found
    ]
    print_table("Payouts", ["SIRET", "Name", ">Tickets", ">Earned", ">Paid", ">Owed"], rows)


@app.command(epilog=examples("souche payouts cutoff 2022-03"))
def cutoff(run: Run, data: Data = None, who: As = None) -> None:
    """Open a run: it pays what is owed at this very position of the log."""

    async def act(ledger: Ledger) -> tuple[Recorded, bool]:
        done = await runs.fix_cutoff(ledger, run)
        return done, await _owes_nothing(ledger, run)

    done, is_empty = work(data, who, _advising(run, act), reads=True)
    say_done(f"Run {run} has its cutoff", done)
    if is_empty:
        _warn_of_nothing(run)


@app.command(epilog=examples("souche payouts draft 2022-03"))
def draft(run: Run, data: Data = None, who: As = None) -> None:
    """Lay down what the run pays to each venue."""
    done = _step(data, who, run, runs.draft)
    say_done(f"Run {run} is drafted", done)
    if isinstance(fact := done.event.fact, PaymentRunDrafted) and not fact.transfers:
        _warn_of_nothing(run)


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

    done = work(data, who, _advising(run, act), role=Role.APPROVER)
    say_done(f"Run {run} is approved", done)
    if is_kept(who):
        say(f"In the name of {done.event.actor}, whose token is in the data folder.")


@app.command(epilog=examples("souche payouts pay 2022-03"))
def pay(run: Run, data: Data = None, who: As = None) -> None:
    """Let every transfer of an approved run leave. Repeated, it goes on where it stopped.

    Venues whose payments are frozen are left out; what they are owed stays owed.
    """

    async def act(ledger: Ledger) -> tuple[Recorded, Standing]:
        done = await runs.pay(ledger, run)
        found = await standing(ledger.views, run)
        if found is None:
            raise LookupError(f"run {run} is paid, and is not there")
        return done, found

    done, found = work(data, who, _advising(run, act), reads=True)
    say_done(what_left(found), done)
    for line in why_stayed(found):
        say(line)


@app.command(epilog=examples("souche payouts withdraw 2022-03"))
def withdraw(run: Run, data: Data = None, who: As = None) -> None:
    """Close a run before its end: no more of it leaves, and what has not left stays owed.

    The next run can begin only then, or when this one is paid.
    """
    say_done(f"Run {run} is withdrawn", _step(data, who, run, runs.withdraw))


@app.command(epilog=examples("souche payouts show 2022-03", "souche payouts show 2022-03 --json"))
def show(run: Run, data: Data = None, json: Json = False) -> None:
    """Show a run: its lines and total, who did what, and the digest that an approver signs."""

    async def read(views: Views) -> Standing | None:
        return await standing(views.connection, run)

    stands = look(data, ["payouts"], read)
    if stands is None:
        raise CommandError(f"There is no run {run}.", "Open it with `souche payouts cutoff`.")
    if json:
        print_json(as_object(stands))
    else:
        print_run(stands)


@app.command("runs", epilog=examples("souche payouts runs", "souche payouts runs --json"))
def show_runs(data: Data = None, json: Json = False) -> None:
    """List every run: how far it has come, and what it pays."""

    async def read(views: Views) -> list[RunSummary]:
        return await list_runs(views.connection)

    print_runs(look(data, [], read), as_json=json)


async def _owes_nothing(ledger: Ledger, run: RunId) -> bool:
    """Whether the run is known to pay nothing. Its cutoff stands, whether or not that is known."""
    try:
        return not (await runs.show(ledger, run)).lines.lines
    except NotReachedError:
        return False


def _warn_of_nothing(run: RunId) -> None:
    warn(
        "Nothing was owed at the cutoff: the run pays nothing. "
        "What is earned after it belongs to the next run."
    )
    say(f"To leave it: `souche payouts withdraw {run}`")


def _step(data: Path | None, who: Role | None, run: RunId, step: Step) -> Recorded:
    async def act(ledger: Ledger) -> Recorded:
        return await step(ledger, run)

    return work(data, who, _advising(run, act), reads=step is runs.draft)


def _advising(
    run: RunId, act: Callable[[Ledger], Awaitable[T]]
) -> Callable[[Ledger], Awaitable[T]]:
    """The same, where a refusal says what to do about it."""

    async def advise(ledger: Ledger) -> T:
        try:
            return await act(ledger)
        except RefusedError as e:
            raise await advised(ledger.views, run, e) from e

    return advise
