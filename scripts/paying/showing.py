"""A run as it is shown to the person who signs it: every line, the total, who did what."""

from typing import Any

from scripts.common.showing import counted, euros, moment, print_json, print_table, say
from scripts.paying.standing import Standing
from scripts.paying.steps import RunSummary


def print_run(stands: Standing) -> None:
    """For people."""
    found = stands.view
    lines = found.lines.lines
    rows = [
        [
            line.venue,
            stands.names[line.venue],
            f"{stands.tickets[line.venue]:,}",
            euros(line.amount_cents),
            stands.of(line),
        ]
        for line in lines
    ]
    columns = ["SIRET", "Name", ">Tickets", ">To pay", "Payment"]
    print_table(f"Run {found.run}: {found.state}", columns, rows)
    tickets = counted(sum(stands.tickets[line.venue] for line in lines), "ticket")
    whole = euros(stands.amount_cents)
    say(f"Total to pay: {whole} for {tickets}, to {counted(len(lines), 'venue')}.")
    say(f"Paid: {euros(found.so_far.cents_paid)}.")
    for each in stands.steps:
        say(
            f"{each.step.capitalize()}: {moment(each.recorded_at)}, "
            f"position {each.position:,}, by {each.actor}"
        )
    drafted = found.so_far.drafted
    say(f"Digest: {drafted.digest if drafted else 'none before the draft'}")


def as_object(stands: Standing) -> dict[str, Any]:
    """For programs."""
    found, drafted = stands.view, stands.view.so_far.drafted
    return {
        "run": found.run,
        "state": found.state,
        "cutoff": found.so_far.cutoff,
        "cutoff_at": stands.steps[0].recorded_at,
        "digest": drafted.digest if drafted else None,
        "amount_cents": stands.amount_cents,
        "paid_cents": found.so_far.cents_paid,
        "lines": [
            {
                "venue": line.venue,
                "name": stands.names[line.venue],
                "tickets": stands.tickets[line.venue],
                "amount_cents": line.amount_cents,
            }
            for line in found.lines.lines
        ],
        "carried_forward": found.lines.carried_forward,
        "frozen": sorted(stands.frozen),
        "steps": stands.steps,
    }


def print_runs(runs: list[RunSummary], *, as_json: bool) -> None:
    """All of them, a line each."""
    if as_json:
        print_json(runs)
        return
    if not runs:
        say("There is no run yet: `souche payouts cutoff RUN` opens one.")
        return
    rows = [
        [
            each.run,
            each.state,
            f"{moment(each.cutoff_at)}, position {each.cutoff:,}",
            "" if each.transfers is None else f"{each.transfers:,}",
            "" if each.amount_cents is None else euros(each.amount_cents),
            euros(each.paid_cents),
        ]
        for each in runs
    ]
    print_table("Runs", ["Run", "State", "Cutoff", ">Venues", ">To pay", ">Paid"], rows)
