import pytest

from ledger.values.reasons import Reason
from tests.ledger.decisions.scenarios import SCENARIOS, Scenario

# The writer gives it when it meets the id in the stream: no decision does.
NOT_DECIDED = {Reason.COMMAND_ID_REUSED}


def test_every_reason_has_a_scenario() -> None:
    assert SCENARIOS.keys() == set(Reason) - NOT_DECIDED


@pytest.mark.parametrize(
    ("reason", "scenario"),
    [
        pytest.param(reason, scenario, id=f"{reason}: {scenario.name}")
        for reason, scenarios in SCENARIOS.items()
        for scenario in scenarios
    ],
)
def test_the_command_is_refused(reason: Reason, scenario: Scenario) -> None:
    assert scenario.command.decide(scenario.situation()) == scenario.refusal(reason)
