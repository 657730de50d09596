"""`souche refusals`: who was refused what, and why."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from psycopg.rows import class_row

from api import fields
from api.problems import PROBLEMS
from scripts.common.fields import parser
from scripts.common.helping import examples
from scripts.common.options import Data, Json, new_app
from scripts.common.showing import print_definition, print_json, say
from scripts.common.working import Views, look

app = new_app()

# What a claim asks for has its id; so has a retry of it.
_LATEST: Final = """
SELECT refused_at, command_id, actor, command, reason, rule_version, detail FROM refusals
WHERE (%(claim)s::text IS NULL OR command_id = %(claim)s)
  AND (%(since)s::timestamptz IS NULL OR refused_at >= %(since)s)
ORDER BY id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal as it is kept beside the log."""

    refused_at: datetime
    command_id: str
    actor: str
    command: str
    reason: str
    rule_version: int | None
    detail: dict[str, Any]

    @property
    def titles(self) -> dict[str, str]:
        """The reason in words, as the terminal showed it; none for one of another version."""
        known = PROBLEMS.get(self.reason)
        return {} if known is None else {"title": known.title, "title_fr": known.title_fr}


_claim: Final = parser(fields.Uuid, "ID")


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as e:
        raise typer.BadParameter("a day or an instant, such as 2022-03-01T14:30") from e
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@app.command(
    epilog=examples(
        "souche refusals --since 2022-03-01 --limit 10",
        "souche refusals --claim 0f8fad5b-d9cb-469f-a165-70867728950e",
    )
)
def refusals(
    claim: Annotated[
        str | None,
        typer.Option(metavar="ID", parser=_claim, help="Of the claim, as the terminal made it."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="WHEN", parser=_instant, help="A day or an instant, in UTC."),
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="COUNT", min=1, max=100_000, help="Not more than that.")
    ] = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what was refused, to whom and why, the latest first.

    A request that could not be read or whose signature was wrong was answered, not decided:
    nothing is kept of it.
    """

    async def read(views: Views) -> list[Refused]:
        cursor = views.connection.cursor(row_factory=class_row(Refused))
        await cursor.execute(_LATEST, {"claim": claim, "since": since, "limit": limit})
        return await cursor.fetchall()

    found = look(data, [], read)
    if json:
        print_json([{**asdict(each), **each.titles} for each in found])
        return
    for each in found:
        _print(each)
    if not found:
        say("No such refusal is kept.")


def _print(refused: Refused) -> None:
    what = re.sub(r"(?<!^)(?=[A-Z])", " ", refused.command).lower()
    rules = f"; version {refused.rule_version} of the rules" if refused.rule_version else ""
    print_definition(
        f"{refused.refused_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {refused.actor}: {what}",
        f"{' / '.join(refused.titles.values()) or 'refused'} ({refused.reason}{rules})",
    )
