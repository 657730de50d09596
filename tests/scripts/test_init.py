"""A ledger begins once, with secrets and tokens that are nobody else's to read."""

import json
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from api.actors import Role
from ledger.postgres import open_database
from scripts.common.starting import origin_of
from scripts.common.tokens import identify
from tests.scripts.conftest import FAST
from tests.scripts.running import Souche


@pytest.fixture(scope="module")
def begun(new_empty: Callable[[], Path]) -> Iterator[tuple[Souche, dict[str, str]]]:
    """A folder in which `souche init` was run, and the tokens that it showed."""
    souche = Souche(new_empty())
    with open_database(souche.data, settings=FAST):
        yield souche, souche.look("init")["tokens"]


def test_init_shows_three_tokens_that_the_ledger_knows(
    begun: tuple[Souche, dict[str, str]],
) -> None:
    souche, tokens = begun

    with open_database(souche.data) as database:
        actors = [identify(database, tokens[role]) for role in Role]

    assert [actor.id for actor in actors] == [
        "person:operator",
        "person:approver",
        "person:auditor",
    ]
    assert [actor.role for actor in actors] == list(Role)


def test_tokens_and_secrets_are_for_their_owner_only(
    begun: tuple[Souche, dict[str, str]],
) -> None:
    souche, tokens = begun
    files = [*(souche.data / "tokens").iterdir(), *(souche.data / "secrets").iterdir()]

    assert len(files) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert (souche.data / "tokens" / "operator").read_text().strip() == tokens["operator"]


def test_the_first_fact_says_that_it_is_no_demo(begun: tuple[Souche, dict[str, str]]) -> None:
    with open_database(begun[0].data) as database:
        origin = origin_of(database)

    assert origin is not None
    assert not origin.demo


def test_a_second_init_changes_nothing(begun: tuple[Souche, dict[str, str]]) -> None:
    again = begun[0].look("init")

    assert again == {"data": str(begun[0].data), "new": False, "tokens": {}}
    assert begun[0].look("status")["events"] == 1


def test_a_token_that_was_given_away_is_made_again(begun: tuple[Souche, dict[str, str]]) -> None:
    souche, tokens = begun
    (souche.data / "tokens" / "approver").unlink()

    assert "There is no token in" in souche.refuse("payouts", "approve", "R", "--digest", "x")
    made = souche.look("init")["tokens"]

    assert made.keys() == {"approver"}
    assert made["approver"] != tokens["approver"]


def test_a_token_of_the_wrong_role_is_refused(begun: tuple[Souche, dict[str, str]]) -> None:
    told = begun[0].refuse("payouts", "cutoff", "R1", "--as", "approver")

    assert "This is for the operator" in told


def test_an_unknown_token_is_refused(begun: tuple[Souche, dict[str, str]]) -> None:
    told = begun[0].refuse("payouts", "cutoff", "R1", SOUCHE_TOKEN="souche_guessed")

    assert "unknown to this ledger" in told


def test_a_ledger_without_its_secrets_is_not_given_new_ones(
    new_empty: Callable[[], Path],
) -> None:
    souche = Souche(new_empty())
    with open_database(souche.data, settings=FAST) as database:
        souche.do("init")
        shutil.rmtree(souche.data / "secrets")

        told = souche.refuse("init")

        with psycopg.connect(database.owner) as owner:
            size = owner.execute("SELECT size FROM log_head").fetchone()
    assert "its secrets are not in" in told
    assert size == (1,)
    assert not (souche.data / "secrets").exists()


def test_a_ledger_is_not_served_with_a_pepper_made_anew(new_empty: Callable[[], Path]) -> None:
    souche = Souche(new_empty())
    with open_database(souche.data, settings=FAST):
        souche.do("init")
        (souche.data / "secrets" / "pepper-p1.key").write_bytes(b"made anew, when a disk was lost!")

        for words in (["init"], ["holder", "register", "mairie", "Mairie"]):
            told = souche.refuse(*words)
            assert "pepper-p1.key is not the one" in told
            assert "from a backup" in " ".join(told.split())


def test_init_tells_people_where_the_tokens_are(new_empty: Callable[[], Path]) -> None:
    souche = Souche(new_empty())
    with open_database(souche.data, settings=FAST):
        told = souche.do("init")

    assert str(souche.data / "tokens" / "operator") in told
    assert json.dumps(told).count("souche_") == 3
    assert "the auditor's only reads" in told
