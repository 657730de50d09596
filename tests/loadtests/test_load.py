"""`run load`, where it says no, and what it says in the end. See test_measuring for its load."""

import argparse
import socket
from pathlib import Path

import pytest

from loadtests.check import Verdict
from loadtests.history import Asked, Entry, Redeemed, Refused, Told, Voided
from loadtests.load import Outcome, load
from loadtests.targets import Running, UnloadableError, authority_of

TAKEN = "ticket-already-redeemed"
HISTORY: list[Entry] = [
    *(Redeemed(f"c-{number}", number, "BFC22-0000001", (1,), 1000) for number in range(40)),
    Voided("v-1", 41, "c-1"),
    Refused("c-50", TAKEN),
    Refused("c-51", "code-unknown"),
    Refused("c-52", TAKEN),
]


def outcome(
    *entries: Entry, answered_right: bool = True, lost: tuple[str, ...] = (), unanswered: int = 0
) -> Outcome:
    verdict = Verdict(
        acknowledged=41,
        lost=list(lost),
        duplicated=[],
        retried=0,
        unanswered=unanswered,
        others=[],
    )
    return Outcome(10, answered_right, Told(entries), verdict)


def test_the_end_tells_rates_refusals_and_the_audit() -> None:
    found = outcome(*HISTORY)

    assert found.well
    assert list(found.lines()) == [
        "40 redeemed, 4 a second; 1 voided; 3 refused",
        f"  2 × {TAKEN}",
        "  1 × code-unknown",
        "the books:",
        "  41 acknowledged, 0 lost, 0 duplicated; 0 unknown at first, 0 to the end",
        "all well: every answer was right, and the books confirm every receipt",
    ]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (outcome(*HISTORY, answered_right=False), "wrong answers"),
        (outcome(*HISTORY, lost=("c-1",)), "differ"),
        (outcome(*HISTORY, Asked("c-60", "t-1"), unanswered=1), "without an answer"),
        (outcome(Refused("c-50", TAKEN)), "nothing was acknowledged"),
    ],
)
def test_the_end_tells_what_is_not_well(found: Outcome, why: str) -> None:
    assert not found.well
    *_, last = found.lines()
    assert last.startswith("NOT well: ")
    assert why in last


def test_a_folder_without_a_ledger_is_not_made_one(tmp_path: Path) -> None:
    target = Running("127.0.0.1:1", tmp_path / "mistyped")

    with pytest.raises(UnloadableError, match="no ledger"):
        load(users=1, seconds=1, target=target, folder=tmp_path)

    assert not (tmp_path / "mistyped").exists()


def test_a_ledger_is_not_seeded_where_nobody_serves_it(tmp_path: Path) -> None:
    (tmp_path / "data" / "secrets").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    target = Running(f"127.0.0.1:{port}", tmp_path / "data")

    with pytest.raises(UnloadableError, match="Nobody answers"):
        load(users=1, seconds=1, target=target, folder=tmp_path)

    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secrets"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"])
def test_an_authority_is_what_signatures_cover(url: str) -> None:
    assert authority_of(url) == "127.0.0.1:8080"


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "https://here", "http://", "http://here/api"])
def test_what_is_no_url_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        authority_of(url)
