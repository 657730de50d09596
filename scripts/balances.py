"""`souche balances`."""

from typing import Annotated

import typer

from projections.balances import AccountBalance, TrialBalance, list_balances, trial_balance
from scripts.common.accounts import LEGEND
from scripts.common.helping import examples
from scripts.common.options import Data, Json, new_app
from scripts.common.showing import euros, print_json, print_table, say
from scripts.common.working import Views, look

app = new_app()


@app.command(epilog=examples("souche balances", "souche balances 401: --json"))
def balances(
    prefix: Annotated[
        str,
        typer.Argument(
            metavar="PREFIX", help="Only accounts whose name starts like this: 401: for venues."
        ),
    ] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Show the books: account balances, debit positive. All of them sum to zero."""

    async def read(views: Views) -> tuple[list[AccountBalance], TrialBalance, int]:
        connection = views.connection
        return (
            await list_balances(connection, prefix),
            await trial_balance(connection),
            views.size,
        )

    accounts, trial, position = look(data, ["balances"], read)
    if json:
        print_json(
            {
                "position": position,
                "accounts": accounts,
                "trial_balance": trial,
                "balanced": trial.balanced,
            }
        )
        return
    if prefix and not accounts:
        say(f"No account's name starts with {prefix}. All of them: `souche balances`")
        return
    rows = [[each.account, euros(each.balance_cents), f"{each.postings:,}"] for each in accounts]
    print_table(f"Balances at position {position}", ["Account", ">Balance", ">Postings"], rows)
    sums = f"{euros(trial.debit_cents)} debit, {euros(trial.credit_cents)} credit"
    verdict = "balanced" if trial.balanced else "NOT BALANCED"
    say(LEGEND)
    say(f"All {trial.accounts} accounts: {sums}: {verdict}.")
