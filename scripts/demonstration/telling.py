"""The summary: what happened, the books, who was paid, where to look."""

import os
from pathlib import Path
from shlex import quote

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from scripts.common.accounts import meaning_of
from scripts.common.showing import euros
from scripts.demonstration.cast import DISTRIBUTION_POINTS, VENUES, WITHDRAWN
from scripts.demonstration.preparing import CARNETS
from scripts.demonstration.story import Story

_MEANING = {
    "carnet-expired": "a carnet of 2021, in March 2022",
    "code-unknown": "a guessed secret",
    "terminal-revoked": "a stolen device with an open session",
    "ticket-already-redeemed": "the same ticket at another till",
    "ticket-not-assigned": "a ticket from the stock room",
    "too-many-tickets": "three tickets for one workshop",
    "venue-not-qualified": "a venue whose qualification was withdrawn",
}


def print_story(console: Console, story: Story, authority: str | None) -> None:
    """The whole summary, widest first. There is no `authority` where the service leaves now."""
    console.print()
    console.print(Panel(_what_happened(story), title="The day", expand=False))
    console.print(_refusals(story))
    console.print(_payouts(story))
    console.print(_books(story))
    data = story.settings.data
    for line in _what_is_left(data) if authority is None else _where_to_look(data, authority):
        console.print(line, soft_wrap=True, markup=False)


def _what_happened(story: Story) -> Table:
    exposure, answers = story.exposure, story.answers
    handed_out = sum(point.handed_out for point in DISTRIBUTION_POINTS)
    rate = answers.claims / answers.seconds if answers.seconds else 0.0
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    table.add_row(f"{CARNETS:,}", f"carnets issued, {exposure.issued_tickets:,} tickets")
    table.add_row(euros(exposure.activated_cents), "in circulation, funded beforehand")
    table.add_row(f"{handed_out:,}", f"carnets handed out, {exposure.assigned_tickets:,} tickets")
    table.add_row(
        f"{answers.tickets:,}",
        f"tickets redeemed in {answers.claims:,} claims at {story.tills} terminals",
    )
    table.add_row(
        f"{rate:,.0f}/s",
        f"signed claims over HTTP, durable before the answer ({answers.seconds:.1f} s)",
    )
    table.add_row(f"{story.refused.total():,}", "refused, as they should be")
    table.add_row(
        euros(story.run.so_far.cents_paid),
        f"paid to {story.run.so_far.transfers_paid} venues, submitted and approved by two people",
    )
    table.add_row("", f"{WITHDRAWN.name}, no longer qualified, took no ticket: nothing is owed it")
    table.add_row(f"{story.events:,}", f"events in the log; {story.seconds:.0f} s in all")
    return table


def _refusals(story: Story) -> Table:
    table = _table("Refused on purpose")
    table.add_column("Reason")
    table.add_column("Claims", justify="right")
    table.add_column("What was tried")
    for reason, count in sorted(story.refused.items()):
        table.add_row(reason, str(count), _MEANING.get(reason, ""))
    return table


def _payouts(story: Story) -> Table:
    names = {venue.id: venue.name for venue in VENUES}
    table = _table(f"Payment run {story.run.run}")
    table.add_column("Venue")
    table.add_column("SIRET", no_wrap=True)
    for title in ("Tickets", "Paid", "Owed"):
        table.add_column(title, justify="right")
    for payout in story.payouts:
        table.add_row(
            names.get(payout.venue, ""),
            payout.venue,
            f"{payout.redeemed_tickets - payout.voided_tickets:,}",
            euros(payout.reimbursed_cents),
            euros(payout.owed_cents),
        )
    return table


def _books(story: Story) -> Table:
    table = _table("The books, debit positive")
    table.show_footer = True
    balanced = "balanced" if story.trial.balanced else "NOT BALANCED"
    table.add_column("Account", footer=f"all {story.trial.accounts} accounts: {balanced}")
    table.add_column("What it is")
    total = story.trial.debit_cents + story.trial.credit_cents
    table.add_column("Balance", justify="right", footer=euros(total))
    for balance in story.balances:
        if balance.balance_cents:
            table.add_row(
                balance.account, meaning_of(balance.account), euros(balance.balance_cents)
            )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE)


def _what_is_left(data: Path) -> tuple[str, ...]:
    souche, there = _souche(), f"--data {quote(str(data))}"
    return (
        f"The service has left; the data stays in {data} until the next demo.",
        f"The books:                   {souche} balances {there}",
        f"What venues earned:          {souche} payouts list {there}",
        f"Each millésime's tickets:    {souche} programme list {there}",
        f"A day whose service stays up, with every route to try: {souche} demo, without --once",
    )


def _where_to_look(data: Path, authority: str) -> tuple[str, ...]:
    token = f'"Authorization: Bearer $(cat {quote(str(data / "tokens" / "operator"))})"'
    return (
        f"Every route, with examples:  http://{authority}/docs",
        f"What venues earned:          curl -H {token} http://{authority}/v1/payouts",
        f"The same in the terminal:    {_souche()} balances --data {quote(str(data))}",
        f"Data, tokens, print files:   {data}",
    )


def _souche() -> str:
    """What is typed here to get to the command line: `./run souche` where `./run` began this."""
    run = os.environ.get("SOUCHE_RUN")
    return f"{quote(run)} souche" if run else "souche"
