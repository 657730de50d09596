"""The command line teaches itself, and quickly."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from typer.main import get_command

from ledger.decisions.situation import InvalidCommandError
from scripts.cli import WORDS
from scripts.common.ending import Exit
from scripts.common.explaining import explain
from scripts.common.helping import Noun
from tests.scripts.running import ROOT, Souche, clean

COSTLY = ("psycopg", "fastapi", "pydantic_settings", "eventsourcing", "rich.progress")


def test_help_loads_nothing_that_it_does_not_need() -> None:
    listing = "import sys, scripts.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], env=clean(), capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"scripts.cli", *COSTLY} - {"scripts.cli"} & set(loaded)


def test_help_names_every_word(souche_nowhere: Souche) -> None:
    told = souche_nowhere.do("--help")

    assert all(f" {word} " in told for word in WORDS)


@pytest.mark.parametrize("word", WORDS)
def test_every_word_has_help_of_its_own(souche_nowhere: Souche, word: str) -> None:
    assert "Usage: " in souche_nowhere.do(word, "--help")


@pytest.mark.parametrize("words", [(), ("programme",), ("payouts",)])
def test_where_no_word_follows_the_help_is_shown(
    souche_nowhere: Souche, words: tuple[str, ...]
) -> None:
    said = souche_nowhere.run(*words)

    assert said.code == 2
    assert said.err.startswith("Usage: ")


def test_a_command_that_cannot_be_meant_is_a_usage_error() -> None:
    told = explain(InvalidCommandError("carnets: 1 to 400, none twice"))

    assert told is not None
    assert (told.code, told.message) == (Exit.USAGE, "carnets: 1 to 400, none twice")


def words_of(word: str) -> Iterator[tuple[str, ...]]:
    """A word, and the words under it."""
    app = import_module(WORDS[word][0]).app
    command = get_command(app)
    yield (word,)
    if isinstance(command, Noun):
        yield from ((word, name) for name in command.commands)


@pytest.mark.parametrize("words", [each for word in WORDS for each in words_of(word)], ids=" ".join)
def test_every_help_fits_a_terminal_and_shows_no_type(
    souche_nowhere: Souche, words: tuple[str, ...]
) -> None:
    told = souche_nowhere.do(*words, "--help", COLUMNS="80")

    assert max(map(len, told.splitlines())) <= 80
    assert not re.search(r"<\w|Id>|ledger\.values|[<>]=", told)


@pytest.mark.parametrize("words", [each for word in WORDS for each in words_of(word)], ids=" ".join)
def test_every_command_has_an_example(souche_nowhere: Souche, words: tuple[str, ...]) -> None:
    told = souche_nowhere.do(*words, "--help")

    assert "\nCommands:\n" in told or re.search(rf"\n  souche {' '.join(words)}( |\n)", told)


VENUE = ("venue", "register", "99900001100018", "Médiathèque")


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (
            ("programme", "close", "pilot"),
            "'PILOT' is not 2 to 8 digits and capital letters without I, L, O and U",
        ),
        (
            (*VENUE, "--region", "BFC", "--department", "21"),
            "'BFC' is not a region's INSEE code of 2 digits, such as 27",
        ),
        (
            (*VENUE, "--region", "27", "--department", "2C"),
            "'2C' is not a department's INSEE code, such as 21, 2A or 974",
        ),
        (
            ("venue", "withdraw", "99900001100018", "--on", "2026-02-30"),
            "'2026-02-30' is no day of the calendar",
        ),
        (
            ("venue", "withdraw", "99900001100018", "--on", "1999-12-31"),
            "has to be from 2000-01-01 to 2199-12-31, and is 1999-12-31",
        ),
    ],
)
def test_a_value_that_cannot_be_is_told_in_words(
    souche_nowhere: Souche, words: tuple[str, ...], because: str
) -> None:
    said = souche_nowhere.run(*words, COLUMNS="200")

    assert said.code == 2
    assert because in said.err


def numbers_of(words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """What takes a whole number in a command: its name, and how typer is told of it."""
    app = import_module(WORDS[words[0]][0]).app
    for command in app.registered_commands:
        for name, told in get_type_hints(command.callback, include_extras=True).items():
            if name != "return" and int in {*get_args(told), *get_args(get_args(told)[0])}:
                yield f"{command.callback.__name__}.{name}", told.__metadata__[0]


@pytest.mark.parametrize("word", WORDS)
def test_every_whole_number_is_read_by_the_same_parser(word: str) -> None:
    """Typer's own takes 1.000 for one, and 10_0 for a hundred."""
    for name, told in numbers_of((word,)):
        assert getattr(told.parser, "__qualname__", "") == "whole.<locals>.parse", name


ORDER = ("order", "create", "PASS", "first", "--millesime", "2026", "--holder", "h", "--size", "5")


@pytest.mark.parametrize(
    "typed", ["1.000", "10_0", "5.0", "1,000", "1 000", "+5", "-5", "0", "१२", "", "9" * 5_000]
)
def test_a_whole_number_is_digits_alone(souche_nowhere: Souche, typed: str) -> None:
    said = souche_nowhere.run(*ORDER, "--carnets", typed, COLUMNS="8000")

    assert said.code == 2
    assert "is not a whole number from 1 to 9999999: digits alone, no point, no space" in said.err


@pytest.mark.parametrize("typed", ["1", "007", "9999999"])
def test_digits_are_a_whole_number(souche_nowhere: Souche, typed: str) -> None:
    assert "There is no ledger in" in souche_nowhere.refuse(*ORDER, "--carnets", typed)


FUND = ("programme", "fund", "PASS", "2026", "cash", "VIR-1")
FORM = "is not like region-bfc=225000.00: digits, a point, no spaces, at most two decimals"


@pytest.mark.parametrize(
    ("parts", "because"),
    [
        *(
            ((f"departement={typed}",), f"'departement={typed}' {FORM}")
            for typed in ("3000,50", "3 000", "-3000", "0.505", "3000€", "12.", "१२", "1_000", "")
        ),
        (("3000",), f"'3000' {FORM}"),
        (("=3000",), f"'=3000' {FORM}"),
        (("departement=0",), "'departement=0' is nothing: leave out who pays nothing"),
        (("departement=10", "departement=20"), "departement stands twice: add its parts up"),
        (("departement=999999999999999999",), "departement: more than an entry may be of, 10,000"),
        (("departement=10000000000.01",), "together more than an entry may be of, 10,000,000,000"),
        (("departement=5000000000", "etat=5000000000.01"), "together more than an entry may be"),
    ],
)
def test_an_amount_that_cannot_be_is_told_with_the_form_that_can(
    souche_nowhere: Souche, parts: tuple[str, ...], because: str
) -> None:
    said = souche_nowhere.run(*FUND, *parts, COLUMNS="200")

    assert said.code == 2
    assert because in said.err


@pytest.mark.parametrize("amount", ["1", "1.5", "0.01", "10000000000.00", "007"])
def test_an_amount_that_can_be_gets_as_far_as_the_ledger(
    souche_nowhere: Souche, amount: str
) -> None:
    assert "There is no ledger in" in souche_nowhere.refuse(*FUND, f"departement={amount}")


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (("serve", "--port", "99999"), "--port': '99999' is not a whole number from"),
        (("serve", "--workers", "0"), "--workers': '0' is not a whole number from"),
        (("demo", "--port", "http"), "--port': 'http' is not a whole number from"),
        (("token", "make", "alice", "boss"), "ROLE': 'boss' is not one of 'operator', 'approver'"),
        (
            ("programme", "open", "bfc22"),
            "the preset is opened by `souche programme preset BFC22 --open`",
        ),
        (("programme", "open", "mine.tml"), "FILE': there is no file 'mine.tml'"),
        (("programme", "rules", "PASS", "/"), "'/' is a folder"),
    ],
)
def test_what_was_mistyped_is_told_plainly(
    souche_nowhere: Souche, words: tuple[str, ...], because: str
) -> None:
    said = souche_nowhere.run(*words, COLUMNS="200")

    assert said.code == 2
    assert because in said.err


@pytest.mark.parametrize(
    ("setting", "because"),
    [
        ({"SOUCHE_PORT": "abc"}, "SOUCHE_PORT: it should be a whole number.\n"),
        ({"SOUCHE_TLS": "maybe"}, "SOUCHE_TLS: it should be true or false.\n"),
        ({"SOUCHE_PROXIES": "9"}, "SOUCHE_PROXIES: it should be at most 8.\n"),
    ],
)
def test_a_wrong_setting_is_told_plainly(
    souche_nowhere: Souche, setting: dict[str, str], because: str
) -> None:
    assert souche_nowhere.run("serve", **setting).err == because


def test_a_folder_that_is_not_there_is_named_in_full(
    souche_nowhere: Souche, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert f"There is no ledger in {tmp_path}/it's not.\n" in souche_nowhere.refuse(
        "status", "--data", "it's not"
    )


def test_an_unknown_word_is_a_usage_error_and_gets_a_suggestion(souche_nowhere: Souche) -> None:
    said = souche_nowhere.run("balance")

    assert said.code == 2
    assert "balances" in said.err


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (("order", "list"), "There is no ledger in"),
        (("payouts", "cutoff", "2022-03"), "There is no ledger in"),
        (("doctor",), "There is no ledger in"),
    ],
)
def test_a_mistyped_folder_makes_no_ledger(
    souche_nowhere: Souche, words: tuple[str, ...], because: str
) -> None:
    assert because in souche_nowhere.refuse(*words)
    assert not souche_nowhere.data.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("venue", "resume", "99900001100019"),  # the check digit is wrong
        ("venue", "withdraw", "99900001100018", "--on", "31/01/2022"),
        ("terminal", "revoke", "terminal-1", "--cause", "lost"),
        ("programme", "fund", "BFC22", "2022", "cash", "VIR-1", "anct=12.345"),
        ("programme", "fund", "BFC22", "2022", "cheque", "VIR-1", "anct=12"),
        ("programme", "preset", "nowhere"),
        ("payouts", "show", "a run with spaces"),
        ("rebuild", "nothing"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    souche_nowhere: Souche, words: tuple[str, ...]
) -> None:
    assert souche_nowhere.run(*words).code == 2


def test_a_setting_that_cannot_be_is_named_without_its_value(souche_nowhere: Souche) -> None:
    said = souche_nowhere.run("serve", SOUCHE_PORT="eighty")

    assert said.code == 2
    assert "SOUCHE_PORT" in said.err
    assert "eighty" not in said.err


def test_the_module_answers_as_the_console_script_does() -> None:
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-P", "-m", "scripts.cli", "--help"],
        env=clean(),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "tests",
    )

    assert "Usage: souche" in run.stdout
    assert time.monotonic() - began < 10  # a machine under load; a tenth of that on an idle one
