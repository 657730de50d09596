"""How commands end: in words for people, in JSON for programs."""

import json
from typing import Any

import pytest

from ledger.postgres import PostgresUnavailableError
from ledger.values.reasons import Reason, Refusal
from scripts.common.ending import CommandError
from scripts.common.explaining import explain
from scripts.common.refusals import RefusedError
from scripts.common.telling import as_object
from tests.scripts.running import Said, Souche


def error_of(said: Said) -> dict[str, Any]:
    """What a program is told of a command that went wrong: a line, and nothing else."""
    assert said.out == ""
    (line,) = said.err.splitlines()
    told: dict[str, Any] = json.loads(line)["error"]
    assert told["exit_code"] == said.code
    return told


@pytest.mark.parametrize(
    ("words", "code", "reason", "message", "hint"),
    [
        (("order", "list"), 1, "failed", "There is no ledger in", "Make one with `souche init"),
        (("order", "list", "--frob"), 2, "usage", "No such option: --frob", "`souche order list"),
        (
            ("payouts", "show"),
            2,
            "usage",
            "Missing argument 'RUN'.",
            "`souche payouts show --help`",
        ),
        (("order", "list", "\udcff"), 2, "usage", "\\udcff", "`souche order list --help`"),
        (("payouts", "show", "a b"), 2, "usage", "'a b' is not 1 to 18", "`souche payouts show"),
        (("programme", "preset", "none"), 2, "usage", "none", "`souche programme presets`"),
        (("balance",), 2, "usage", "Did you mean 'balances'?", "`souche --help`"),
        ((), 2, "usage", "No such option: --json", "`souche --help`"),
    ],
)
def test_a_program_is_told_in_json(
    souche_nowhere: Souche, words: tuple[str, ...], code: int, reason: str, message: str, hint: str
) -> None:
    told = error_of(souche_nowhere.run(*words, "--json"))

    assert (told["exit_code"], told["reason"], told["detail"]) == (code, reason, {})
    assert message in told["message"]
    assert hint in told["hint"]


def test_a_program_is_told_the_ledgers_reason(souche: Souche) -> None:
    told = error_of(souche.run("terminal", "invite", "99900002900010", "--json"))

    assert (told["exit_code"], told["reason"]) == (1, "venue-unknown")
    assert "There is no venue 99900002900010" in told["hint"]


def test_people_are_told_in_words(souche_nowhere: Souche) -> None:
    said = souche_nowhere.run("venue", "suspend", "99900001100018", "--cause", "x", "--", "--json")

    assert said.code == 2
    assert "{" not in said.err


def test_a_refusal_keeps_its_reason_and_its_figures_whatever_it_is_told_in() -> None:
    refused = RefusedError(Refusal(Reason.FUNDING_INSUFFICIENT, detail={"missing_cents": 50_000}))
    told = CommandError("Not paid for.", "Record it.")
    told.__cause__ = refused

    assert as_object(told) == {
        "reason": "funding-insufficient",
        "message": "Not paid for.",
        "hint": "Record it.",
        "exit_code": 1,
        "detail": {"missing_cents": 50_000},
    }


def test_a_database_that_is_away_is_told_apart() -> None:
    told = explain(PostgresUnavailableError("no answer"))

    assert told is not None
    assert (as_object(told)["reason"], as_object(told)["exit_code"]) == ("unavailable", 3)
