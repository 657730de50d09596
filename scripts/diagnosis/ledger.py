"""The ledger in the database: its schema, who may change it, its first fact, its read models."""

import asyncio
from collections.abc import Iterator
from typing import Final

import psycopg

from ledger.postgres.migrations import shipped
from projections.connecting import reader_conninfo
from projections.lag import Lag, lag
from scripts.common.showing import counted
from scripts.common.starting import origin_of
from scripts.diagnosis.finding import Finding, Patient, Verdict, judged

LARGEST_LAG: Final = 60.0  # seconds

_CHANGING: Final = ["UPDATE", "DELETE", "TRUNCATE"]
_RIGHTS: Final = """
SELECT right_to FROM unnest(%s::text[]) AS right_to WHERE has_table_privilege('events', right_to)
"""
_TRIGGER: Final = """
SELECT tgenabled FROM pg_trigger
WHERE tgname = 'events_only_grow' AND tgrelid = 'events'::regclass
"""
_APPLIED: Final = "SELECT number, name FROM schema_version ORDER BY number"


def migrations(patient: Patient) -> Iterator[Finding]:
    """Whether the schema is the one that this program knows."""
    applied = [f"{name}" for _, name in patient.owner.execute(_APPLIED).fetchall()]
    wanted = [migration.name for migration in shipped()]
    found = f"{len(applied)} of {len(wanted)}, up to {applied[-1] if applied else 'none'}"
    yield judged(
        "migrations", found, "Run the program that made this ledger.", holds=applied == wanted
    )


def roles(patient: Patient) -> Iterator[Finding]:
    """Whether those who serve could change the log, and whether its trigger is awake."""
    for role, conninfo in (
        ("writer", patient.database.writer),
        ("projector", patient.database.projector),
    ):
        with psycopg.connect(conninfo, autocommit=True) as connection:
            rights = [row[0] for row in connection.execute(_RIGHTS, [_CHANGING]).fetchall()]
        found = f"may {', '.join(rights)} events" if rights else "can't change the log"
        advice = f"Take these rights from {role}: REVOKE ALL ON events, then GRANT anew."
        yield judged(f"the {role}'s role", found, advice, holds=not rights)
    row = patient.owner.execute(_TRIGGER).fetchone()
    awake = row is not None and row[0] == "A"
    yield judged(
        "the log's trigger",
        "refuses changes by everybody" if awake else "asleep or gone",
        "ALTER TABLE events ENABLE ALWAYS TRIGGER events_only_grow, and find out who did it.",
        holds=awake,
    )


def origin(patient: Patient) -> Iterator[Finding]:
    """The ledger's first fact."""
    first = origin_of(patient.database)
    if first is None:
        yield Finding("first fact", Verdict.BAD, "none", "Begin the ledger with `souche init`.")
    elif first.demo:
        yield Finding("first fact", Verdict.WARNING, "a demo's", "Nothing here is owed to anybody.")
    else:
        yield Finding("first fact", Verdict.GOOD, "a ledger's")


def read_models(patient: Patient) -> Iterator[Finding]:
    """Whether read models stopped, or are far behind."""
    for model in asyncio.run(_lag(patient)):
        yield _read_model(model)


def _read_model(model: Lag) -> Finding:
    about = f"read model {model.projection}"
    if model.state == "stopped":
        return Finding(
            about,
            Verdict.BAD,
            f"stopped at position {model.stopped_at}: {model.stopped_because}",
            f"`souche event {model.stopped_at}` shows that event; once a program can apply it, "
            f"`souche rebuild {model.projection}`.",
        )
    behind = f"{counted(model.events_behind, 'event')} behind, {model.state}"
    seconds = model.seconds_behind or 0.0
    if model.state == "unattended":
        advice = "Nothing follows the log: run `souche serve`, here or on another host."
        return Finding(
            about, Verdict.WARNING if model.events_behind else Verdict.GOOD, behind, advice
        )
    return judged(
        about,
        behind,
        "It does not keep up: is the machine overloaded?",
        holds=seconds < LARGEST_LAG,
    )


async def _lag(patient: Patient) -> list[Lag]:
    connecting = psycopg.AsyncConnection.connect(reader_conninfo(patient.database), autocommit=True)
    async with await connecting as connection:
        return await lag(connection, patient.database)
