"""Further tokens: made for a person, listed, withdrawn."""

import pytest

from tests.scripts.running import Souche

CUTOFF = ("payouts", "cutoff", "2022-03")


def test_a_token_works_until_it_is_withdrawn(souche: Souche) -> None:
    made = souche.look("token", "make", "anne", "auditor")
    (kept,) = [each for each in souche.look("token", "list") if each["actor"] == "person:anne"]

    during = souche.refuse(*CUTOFF, SOUCHE_TOKEN=made["token"])
    told = souche.do("token", "withdraw", kept["id"])
    again = souche.do("token", "withdraw", kept["id"])
    after = souche.refuse(*CUTOFF, SOUCHE_TOKEN=made["token"])

    assert "the token is of person:anne" in during
    assert told == again == "The token of person:anne as auditor is withdrawn.\n"
    assert "was revoked" in after


def test_a_token_is_shown_once(souche: Souche) -> None:
    token = souche.do("token", "make", "zoe", "approver").splitlines()[-1]

    assert token.startswith("souche_")
    assert token not in souche.do("token", "list", "--json")
    assert "person:zoe" in souche.do("token", "list")


@pytest.mark.parametrize("words", [("Anne", "auditor"), ("anne", "owner"), ("", "auditor")])
def test_nobody_is_two_people_and_no_role_is_made_up(
    souche: Souche, words: tuple[str, ...]
) -> None:
    assert souche.run("token", "make", *words).code == 2


def test_an_unknown_token_is_told(souche: Souche) -> None:
    assert "no token with this id" in souche.refuse("token", "withdraw", "0" * 16)
