"""`souche doctor`."""

from collections.abc import Iterator
from typing import Final

import psycopg
import typer
from rich.text import Text

from scripts.common.ending import Exit
from scripts.common.helping import examples
from scripts.common.options import Data, Json, existing, new_app
from scripts.common.showing import print_json, print_table, say
from scripts.common.working import opened
from scripts.diagnosis import files, ledger, server, service
from scripts.diagnosis.finding import Check, Finding, Patient, Verdict

app = new_app()

CHECKS: Final[tuple[Check, ...]] = (
    server.version,
    server.durability,
    server.clock,
    server.room,
    ledger.migrations,
    ledger.roles,
    ledger.origin,
    ledger.read_models,
    files.secrets,
    files.tokens,
    service.service,
)


@app.command(epilog=examples("souche doctor", "souche doctor --json"))
def doctor(data: Data = None, json: Json = False) -> None:
    """Say what will break: disks, clocks, durability, roles, schema, read models, secrets, service.

    Exits with 1 where something is bad; a warning is not.
    """
    settings = existing(data)
    with (
        opened(settings, accept_losses=True) as database,
        psycopg.connect(database.owner, autocommit=True) as owner,
    ):
        findings = list(_examine(Patient(settings, database, owner)))
    if json:
        print_json(findings)
    else:
        _tell(findings)
    if any(finding.verdict is Verdict.BAD for finding in findings):
        raise typer.Exit(Exit.FAILED)


def _examine(patient: Patient) -> Iterator[Finding]:
    for check in CHECKS:
        yield from check(patient)


def _tell(findings: list[Finding]) -> None:
    styles = {Verdict.GOOD: "green", Verdict.WARNING: "yellow", Verdict.BAD: "bold red"}
    rows: list[list[str | Text]] = [
        [Text(each.verdict.value, styles[each.verdict]), each.about, each.found]
        for each in findings
    ]
    print_table("Diagnosis", ["", "What", "Found"], rows)
    for each in findings:
        if each.verdict is not Verdict.GOOD:
            say(f"{each.about}: {each.advice}")
    bad = sum(each.verdict is Verdict.BAD for each in findings)
    say("Nothing is bad." if not bad else f"{bad} of {len(findings)} checks are bad.")
