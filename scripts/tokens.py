"""`souche token`: who may ask what, and no longer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import psycopg
import typer
from psycopg.rows import class_row

from api.actors import Role, make_token
from ledger.values.clock import real_now
from scripts.common.ending import CommandError
from scripts.common.helping import examples
from scripts.common.options import Data, Json, existing, new_app
from scripts.common.showing import print_json, print_table, say
from scripts.common.working import opened

app = new_app("Tokens: who may ask what, over HTTP and with SOUCHE_TOKEN.")

_LIST: Final = """
SELECT id, actor, role, created_at, revoked_at FROM api_tokens ORDER BY created_at, actor, role
"""
_WITHDRAW: Final = """
UPDATE api_tokens SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s RETURNING actor, role
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a token: never the token itself."""

    id: str
    actor: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


@app.command(epilog=examples("souche token make court-of-auditors auditor"))
def make(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The person's, in lower case: one for each.")
    ],
    role: Annotated[
        Role, typer.Argument(metavar="ROLE", help="operator, approver, or auditor, who only reads.")
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a token for a person. It is shown here and kept nowhere.

    What the person does stands in the log under that name, whatever the role: nobody approves
    what they submitted themselves, with two tokens neither.
    """
    with opened(existing(data)) as database, psycopg.connect(database.owner) as owner:
        try:
            token = make_token(owner, name, role, real_now())
        except ValueError as e:
            raise typer.BadParameter(str(e), param_hint="NAME") from e
    if json:
        print_json({"actor": f"person:{name}", "role": role, "token": token})
    else:
        say(f"A token for person:{name} as {role.value}, shown this once:")
        say(token)


@app.command("list", epilog=examples("souche token list"))
def list_tokens(data: Data = None, json: Json = False) -> None:
    """List whose tokens there are, by an id that tells nothing about them."""
    with (
        opened(existing(data)) as database,
        psycopg.connect(database.owner) as owner,
        owner.cursor(row_factory=class_row(Kept)) as cursor,
    ):
        found = cursor.execute(_LIST).fetchall()
    if json:
        print_json(found)
        return
    rows = [
        [each.id, each.actor, each.role, f"{each.created_at:%Y-%m-%d}", _state(each)]
        for each in found
    ]
    print_table("Tokens", ["Id", "Who", "Role", "Made", "State"], rows)


@app.command(epilog=examples("souche token list", "souche token withdraw 0123456789abcdef"))
def withdraw(
    token: Annotated[
        str, typer.Argument(metavar="ID", help="Of the token, as `token list` shows it.")
    ],
    data: Data = None,
) -> None:
    """Let a token open nothing any more, from now on."""
    with opened(existing(data)) as database, psycopg.connect(database.owner) as owner:
        row = owner.execute(_WITHDRAW, [real_now(), token]).fetchone()
    if row is None:
        raise CommandError("There is no token with this id.", "`souche token list` shows them.")
    say(f"The token of {row[0]} as {row[1]} is withdrawn.")


def _state(token: Kept) -> str:
    return f"withdrawn {token.revoked_at:%Y-%m-%d}" if token.revoked_at else "good"
