"""`souche init`."""

from ledger.postgres import open_database
from ledger.settings import Settings
from scripts.common.helping import examples
from scripts.common.options import Data, Json, new_app, settings_from
from scripts.common.showing import print_json, say
from scripts.common.starting import Started, start_ledger
from scripts.common.tokens import token_file

app = new_app()


@app.command(epilog=examples("souche init", "souche init --data /srv/souche --json"))
def init(data: Data = None, json: Json = False) -> None:
    """Make a ledger: its database, its secrets, its first fact, and three tokens.

    Run it again at any time: it makes what is missing and changes nothing else.
    The tokens of the operator, the approver and the auditor, who only reads, are shown once and
    kept in `FOLDER/tokens`. Give the approver's and the auditor's to other people and remove
    their files; `souche token make` makes more.
    """
    settings = settings_from(data)
    with open_database(settings.data, settings.database_url) as database:
        started = start_ledger(settings, database)
    if json:
        print_json({"data": settings.data, "new": started.is_new, "tokens": started.tokens})
    else:
        _tell(settings, started)


def _tell(settings: Settings, started: Started) -> None:
    say(f"{'A new ledger' if started.is_new else 'The ledger'} is in {settings.data}.")
    for role, token in started.tokens.items():
        say(f"{role.value:>9}: {token}  (kept in {token_file(settings.data, role)})")
    if started.tokens:
        say("The tokens are shown this once; the auditor's only reads. For other people make more")
        say("with `souche token make`. Serve the ledger with `souche serve`;")
        say("`souche programme example` begins a programme of your own.")
    else:
        say("Nothing was missing, so nothing was made.")
