"""Read models that stopped at an event which they can't take: every look at them says so."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from ledger.postgres import Database
from tests.projections.appending import Appender
from tests.projections.reading import fold
from tests.scripts.running import Souche

MODELS = ("balances", "payouts", "programmes", "redemptions")


@pytest.fixture(scope="module")
def stopped(souche: Souche, database: tuple[Path, Database]) -> tuple[Souche, int]:
    """A ledger, and the position of an event that nobody can read; one more follows it."""
    souche.do("programme", "preset", "bfc22", "--open")
    souche.do("balances")
    with closing(Appender(database[1])) as appender:
        position = appender.append_raw("tickets.redeemed.v1", b'{"fact": \xff}')
    souche.do("holder", "register", "mairie", "Mairie")
    fold(database[1])
    return souche, position


def test_what_was_compared_ends_where_they_stopped(stopped: tuple[Souche, int]) -> None:
    souche, position = stopped

    said = souche.run("rebuild", "--check")
    told = json.loads(souche.run("rebuild", "--check", "--json").out)

    assert said.code == 1
    assert f"The same up to position {position - 1} of {position + 1}: payouts." in said.out
    assert f"payouts stopped at {position}: UnreadableEventsError" in said.out
    assert "The same as the log says" not in said.out
    assert told["differences"] == []
    assert {
        each["projection"]: each["stopped_at"] for each in told["read_models"]
    } == dict.fromkeys(MODELS, position)


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_the_status_ends_with_an_error(
    stopped: tuple[Souche, int], as_json: tuple[str, ...]
) -> None:
    said = stopped[0].run("status", *as_json)

    assert said.code == 1
    assert "stopped" in said.out


def test_the_doctor_names_the_command_that_shows_the_event(stopped: tuple[Souche, int]) -> None:
    souche, position = stopped
    findings = json.loads(souche.run("doctor", "--json").out)

    advice = {each["advice"] for each in findings if each["about"].startswith("read model")}

    assert len(advice) == len(MODELS)
    assert all(f"`souche event {position}` shows that event" in each for each in advice)


def test_an_event_that_cannot_be_read_is_shown(stopped: tuple[Souche, int]) -> None:
    souche, position = stopped

    told = souche.look("event", str(position))

    assert (told["stream"], told["type"]) == ("raw:0", "tickets.redeemed.v1")
    assert (told["event"], told["unreadable"]) == (None, r'{"fact": \xff}')
    assert r'{"fact": \xff}' in souche.do("event", str(position))


def test_an_event_is_shown_as_it_stands(stopped: tuple[Souche, int]) -> None:
    souche, position = stopped

    told = souche.look("event", str(position + 1))
    words = souche.do("event", str(position + 1))

    assert (told["position"], told["stream"], told["version"]) == (position + 1, "holder:mairie", 1)
    assert told["event"]["fact"] == {"type": "holder.registered.v1", **HOLDER}
    assert (told["type"], told["actor"]) == ("holder.registered.v1", told["event"]["actor"])
    assert told["recorded_at"] == told["event"]["recorded_at"]
    assert words.startswith(f"Event {position + 1}: holder.registered.v1, version 1 of holder:mair")
    assert '"name": "Mairie"' in words


def test_an_event_that_is_not_there(stopped: tuple[Souche, int]) -> None:
    souche, position = stopped

    assert f"The log ends at {position + 1}." in souche.refuse("event", "1000")
    assert souche.run("event", "0").code == 2


HOLDER = {"holder": "mairie", "name": "Mairie", "siret": None}
