"""Ctrl-C: what is left of a command, and how to go on."""

import json
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from scripts.cli import WORDS
from scripts.common.helping import Noun
from scripts.common.interrupting import AGAIN, LEFT, NOTHING, WHOLE, interrupted
from scripts.stock.printing import read_print, seed_file
from tests.scripts.ordering import STOCK
from tests.scripts.running import Souche, clean, ended

GIVE_UP = 60  # seconds
# The command line, which stands still once a chunk is in the print file: watched from outside, a
# run on a busy machine may be over by the time that somebody has seen it begin.
STOPS_AFTER_A_CHUNK = """
import signal
from scripts.cli import main
from scripts.stock import issuing

write = issuing.write_carnets

def write_and_stop(*given):
    written = write(*given)
    issuing.write_carnets = write
    signal.raise_signal(signal.SIGSTOP)
    return written

issuing.write_carnets = write_and_stop
main()
"""


def test_every_command_says_what_is_left_of_it() -> None:
    commands = {word: get_command(import_module(WORDS[word][0]).app) for word in WORDS}

    assert set(LEFT) == {
        f"{word} {name}".rstrip()
        for word, command in commands.items()
        for name in (command.commands if isinstance(command, Noun) else [""])
    }


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("order", "activate", "BFC22", "first"), AGAIN),
        (("order", "transfer", "BFC22", "first", "--to", "ml-belrive"), AGAIN),
        (("order", "transfer", "BFC22", "first", "--to=ml-belrive"), AGAIN),
        (("order", "transfer", "BFC22", "first"), LEFT["order transfer"]),
        (("rebuild", "balances"), LEFT["rebuild"]),
        (("rebuild", "--check"), NOTHING),
        (("programme", "preset", "bfc22"), NOTHING),
        (("programme", "preset", "bfc22", "--open"), LEFT["programme preset"]),
        (("payouts", "draft", "2022-03"), WHOLE),
        (("payouts",), NOTHING),
    ],
)
def test_what_is_left_depends_on_what_was_asked(words: tuple[str, ...], left: str) -> None:
    assert interrupted(words).advice == left


def interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def test_people_and_programs_are_told(
    souche_nowhere: Souche, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TyperGroup, "invoke", interrupt)

    said = souche_nowhere.run("payouts", "pay", "2022-03")
    told = souche_nowhere.run("rebuild", "--check", "--json")

    assert (said.code, said.err) == (130, f"Interrupted.\n{LEFT['payouts pay']}\n")
    assert (told.code, json.loads(told.err)) == (
        130,
        {
            "error": {
                "reason": "interrupted",
                "message": "Interrupted.",
                "hint": NOTHING,
                "exit_code": 130,
                "detail": {},
            }
        },
    )


def interrupt_once_begun(souche: Souche, words: tuple[str, ...]) -> str:
    """Press Ctrl-C once some of the codes are written; what it said then."""
    issuing = subprocess.Popen(
        [sys.executable, "-P", "-c", STOPS_AFTER_A_CHUNK, *words],
        env={**clean(), "SOUCHE_DATA": str(souche.data)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ended(issuing):
        stands = os.waitid(os.P_PID, issuing.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert stands is not None
        assert stands.si_code == os.CLD_STOPPED, issuing.communicate()
        issuing.send_signal(signal.SIGINT)
        issuing.send_signal(signal.SIGCONT)
        _, err = issuing.communicate(timeout=GIVE_UP)
    assert issuing.returncode == 130
    return err


def test_an_order_that_was_interrupted_goes_on(ordered: Souche, tmp_path: Path) -> None:
    """With the same command, and with the same codes."""
    ordered.do(
        *("order", "create", "BFC22", "large", "--millesime", "2022"),
        *("--carnets", "4000", "--size", "5", "--holder", STOCK),
    )
    path = tmp_path / "large.jsonl"
    words = ("order", "issue", "BFC22", "large", "--to", str(path))

    err = interrupt_once_begun(ordered, words)

    begun = read_print(path)
    assert err == f"Interrupted.\n{LEFT['order issue']}\n"
    assert 0 < len(begun) < 4_000
    assert seed_file(path).exists()
    assert "4,000 carnets are issued" in ordered.do(*words)
    assert begun.items() <= read_print(path).items()
