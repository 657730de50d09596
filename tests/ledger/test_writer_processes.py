"""Any number of processes may write: see `four_processes`, which also runs by itself."""

import pytest

from ledger.postgres import PostgresServer
from tests.ledger.four_processes import Race, race
from tests.ledger.writing import SIZE
from tests.postgres_fixtures import NewDatabase, drop


@pytest.fixture(scope="module", params=[60, pytest.param(1_000, marks=pytest.mark.slow)])
def carnets(request: pytest.FixtureRequest) -> int:
    """Three hundred tickets, or five thousand."""
    return int(request.param)


@pytest.fixture(scope="module")
def found(new_database: NewDatabase, postgres_server: PostgresServer, carnets: int) -> Race:
    """What four processes did that redeemed the same tickets at once."""
    database = new_database()
    try:
        return race(database, processes=4, carnets=carnets)
    finally:
        drop(postgres_server, database)


def test_each_ticket_has_one_winner(found: Race, carnets: int) -> None:
    assert found.winners == carnets * SIZE
    assert found.redeemed_twice == 0


def test_every_loser_is_told_so(found: Race, carnets: int) -> None:
    assert found.refused == {"ticket-already-redeemed": 3 * carnets * SIZE}


def test_no_process_won_everything(found: Race) -> None:
    """Or they did not run at once."""
    assert all(each.won for each in found.told)


def test_answers_are_true(found: Race) -> None:
    assert found.untrue == set()


def test_positions_have_neither_gaps_nor_repeats(found: Race) -> None:
    assert found.misplaced == set()
