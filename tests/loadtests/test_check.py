"""What terminals were told, against the log: each difference is found, and is of its kind."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ledger.postgres import Database, PostgresServer
from loadtests.books import Books, Redemption, Void
from loadtests.check import Verdict, check, compare
from loadtests.history import Asked, Entry, History, Redeemed, Refused, Told, Unknown, Voided
from loadtests.serving import ROOT
from projections.connecting import connect
from projections.schema import prepare_read_models
from tests.builders.facts import redeemed
from tests.builders.history import READY
from tests.builders.world import TERMINAL
from tests.projections.appending import Appender
from tests.projections.reading import fold

CLAIM = Redeemed("c-1", 7, "BFC22-0000001", (1, 2), 2000)
VOID = Voided("v-1", 8, "c-1")
HISTORY = (Asked("c-1", "t-1"), Unknown("c-1"), CLAIM, CLAIM, Asked("v-1", "t-1"), VOID)


def books(**wrong: list[str]) -> Books:
    """The books that HISTORY tells of."""
    return Books(
        redemptions={"c-1": Redemption(7, "BFC22-0000001", (1, 2), 2000, "terminal:t-1")},
        voids={"v-1": Void(8, "c-1", "terminal:t-1")},
        duplicates=wrong.get("duplicates", []),
        faults=wrong.get("faults", []),
    )


def verdict(*entries: Entry, **wrong: list[str]) -> Verdict:
    return compare(Told(entries), books(**wrong))


def test_a_history_that_the_books_confirm() -> None:
    found = verdict(*HISTORY)

    assert found.holds
    assert (found.acknowledged, found.retried, found.unanswered) == (2, 1, 0)


@pytest.mark.parametrize(
    "receipt",
    [
        Redeemed("c-2", 7, "BFC22-0000001", (1, 2), 2000),
        Redeemed("c-1", 9, "BFC22-0000001", (1, 2), 2000),
        Redeemed("c-1", 7, "BFC22-0000002", (1, 2), 2000),
        Redeemed("c-1", 7, "BFC22-0000001", (1,), 2000),
        Redeemed("c-1", 7, "BFC22-0000001", (1, 2), 1000),
        Voided("v-2", 8, "c-1"),
        Voided("v-1", 9, "c-1"),
        Voided("v-1", 8, "c-2"),
    ],
)
def test_a_receipt_that_the_log_does_not_have_is_lost(receipt: Redeemed | Voided) -> None:
    asked = [Asked(each, "t-1") for each in ("c-1", "v-1", receipt.id)]

    found = verdict(*asked, receipt)

    assert len(found.lost) == 1
    assert not found.holds


def test_a_second_receipt_that_differs_is_a_difference() -> None:
    again = Redeemed("c-1", 9, "BFC22-0000001", (1, 2), 2000)

    assert "answered twice" in verdict(*HISTORY, again).others[0]


def test_what_was_never_asked_for_is_a_difference() -> None:
    assert "never asked" in verdict(*HISTORY[4:]).others[0]


def test_what_other_terminals_did_is_not() -> None:
    assert compare(Told([]), books()).holds


def test_what_was_refused_and_stands_in_the_log_is_a_difference() -> None:
    found = verdict(*HISTORY, Refused("c-1", "carnet-expired"))

    assert "and refused" in found.others[0]


def test_what_has_no_answer_is_counted() -> None:
    found = verdict(*HISTORY, Asked("c-3", "t-1"))

    assert found.unanswered == 1


@pytest.mark.parametrize("kind", ["duplicates", "faults"])
def test_what_is_wrong_with_the_books_themselves_is_a_difference(kind: str) -> None:
    assert not verdict(*HISTORY, **{kind: ["something"]}).holds


def test_differences_are_shown_up_to_a_number() -> None:
    lines = list(verdict(*HISTORY, faults=[f"fault {n}" for n in range(30)]).lines())

    assert lines[0].startswith("2 acknowledged, 0 lost")
    assert lines[1] == "wrong: fault 0"
    assert lines[-1] == "wrong: and 20 more"


@pytest.fixture
def history(database: Database, tmp_path: Path) -> Path:
    """A ledger with two redemptions, its read models, and what terminals were told of it."""
    prepare_read_models(database)
    told: list[Entry] = []
    with closing(Appender(database)) as appender:
        appender.append(*READY)
        for ticket in (1, 2):
            position = appender.append(redeemed(ticket, claim=f"c-{ticket}"))
            told += [
                Asked(f"c-{ticket}", TERMINAL),
                Redeemed(f"c-{ticket}", position, "BFC22-0000001", (ticket,), 1000),
            ]
    fold(database)
    path = tmp_path / "history.jsonl"
    with History(path) as file:
        for entry in told:
            file.write(entry)
    return path


def test_a_sound_ledger_passes(database: Database, history: Path) -> None:
    found = check(database, history)

    assert found.holds
    assert found.acknowledged == 2


def test_a_row_that_is_gone_from_the_log_is_found(database: Database, history: Path) -> None:
    with psycopg.connect(database.owner) as owner:
        owner.execute("ALTER TABLE events DISABLE TRIGGER events_only_grow")
        owner.execute(f"DELETE FROM events WHERE notification_id = {len(READY) + 1}")  # noqa: S608

    found = check(database, history)

    assert len(found.lost) == 1
    assert any("follows" in each for each in found.others)
    assert any("account 401:" in each for each in found.others)


def test_a_balance_that_is_off_by_a_cent_is_found(database: Database, history: Path) -> None:
    with connect(database) as projector:
        projector.execute(
            "UPDATE account_balances SET balance_cents = balance_cents + 1"
            " WHERE starts_with(account, '401:')"
        )

    found = check(database, history)

    assert found.others[0] == "trial balance from the projection: 1 cents"
    assert "account 401:" in found.others[1]


def test_read_models_that_stay_behind_are_found(
    database: Database, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.check.PATIENCE", 0.1)
    with closing(Appender(database)) as appender:
        appender.append(redeemed(1, number=9, claim="c-3"))

    (behind,) = [each for each in check(database, history).others if "read models" in each]

    assert behind == f"the read models are at {len(READY) + 2} of {len(READY) + 3}"


@pytest.mark.parametrize(("tampered", "code"), [(False, 0), (True, 1)])
def test_the_program_leaves_with_1_when_anything_differs(
    database: Database,
    postgres_server: PostgresServer,
    history: Path,
    *,
    tampered: bool,
    code: int,
) -> None:
    if tampered:
        history.write_bytes(
            history.read_bytes().replace(b'"amount_cents":1000', b'"amount_cents":999')
        )
    name = psycopg.conninfo.conninfo_to_dict(database.owner)["dbname"]
    url = postgres_server.conninfo(dbname=str(name))

    run = subprocess.run(
        [sys.executable, "-m", "loadtests.check", str(history)],
        cwd=ROOT,
        env={**os.environ, "SOUCHE_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == code, run.stderr
    assert run.stdout.startswith(f"2 acknowledged, {2 * code} lost")
