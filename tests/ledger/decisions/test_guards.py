"""Each guard is needed by a scenario, and guards stand in the order of their reasons."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

import ledger.decisions
from ledger.values.reasons import Reason, Refusal
from tests.ledger.decisions.guards import GUARDS, SOURCES, Guard, Source
from tests.ledger.decisions.scenarios import SCENARIOS, Scenario

# Conditions that change no answer. They are there for the type checker or for the reader.
REDUNDANT = {
    "clearing.ApproveRun.decide_run: run.drafted is None": "a submitted run has its draft",
    "clearing.PayPart.decide_run: drafted is None": "an approved run has its draft",
}
ORDER = list(Reason)


def name_of(source: Source) -> str:
    return source.module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("guard", [pytest.param(guard, id=guard.where) for guard in GUARDS])
def test_a_scenario_fails_without_the_guard(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    guard.switch_off(monkeypatch)

    still = all(gives(guard.reason, scenario) for scenario in SCENARIOS[guard.reason])

    assert still == (guard.where in REDUNDANT)


def gives(reason: Reason, scenario: Scenario) -> bool:
    """Whether the scenario's command still gets its reason. Breaking is not giving it."""
    situation = scenario.situation()
    try:
        outcome = scenario.command.decide(situation)
    except Exception:  # noqa: BLE001  # whatever breaks without the guard shows that it is needed
        return False
    return isinstance(outcome, Refusal) and outcome.reason is reason


def test_every_redundant_condition_is_still_there() -> None:
    assert REDUNDANT.keys() <= {guard.where for guard in GUARDS}


def test_every_module_that_refuses_is_looked_at() -> None:
    modules = Path(*ledger.decisions.__path__).glob("*.py")
    texts = {path.stem: path.read_text() for path in modules if path.stem != "situation"}
    refusing = {name for name, text in texts.items() if "Reason." in text or "require(" in text}

    assert refusing <= {name_of(source) for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_guards_stand_in_the_order_of_reasons(source: Source) -> None:
    for function in source.functions:
        reasons = [reason for reason, _ in source.refusals(function)]

        for earlier, later in pairwise(reasons):
            assert ORDER.index(earlier) <= ORDER.index(later), function.name


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_a_loop_looks_for_one_reason(source: Source) -> None:
    """Else the second reason of the first element comes before the first of the second."""
    for loop in ast.walk(source.tree):
        if isinstance(loop, ast.For):
            assert len({reason for reason, _ in source.refusals(loop)}) <= 1
