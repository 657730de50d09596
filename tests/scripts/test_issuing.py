"""Carnets are issued with the codes that the print file has, whatever interrupts it."""

import os
import shlex
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
import pytest

from ledger.facts import CarnetIssued
from ledger.facts.codec import decode
from ledger.postgres import Database
from ledger.secrets import open_secrets
from ledger.values.codes import parse_code
from scripts.stock.printing import PrintedCarnet, read_print, seed_file
from tests.scripts.conftest import STOCK
from tests.scripts.running import LEAVING, Souche

CARNETS = 2_400


@pytest.fixture
def small(ordered: Souche) -> tuple[Souche, str]:
    """An order of five carnets, of its own."""
    name = f"small-{time.monotonic_ns()}"
    _order(ordered, name, 5)
    return ordered, name


@pytest.fixture(scope="module")
def issued(ordered: Souche) -> Souche:
    """With an order that is complete: done."""
    _order(ordered, "done", 5)
    path = ordered.data / "print" / "done"
    ordered.do("order", "issue", "AV12", "done", "--to", str(path))
    return ordered


def _order(
    souche: Souche, name: str, carnets: int, programme: str = "AV12", size: int = 10
) -> None:
    souche.do(
        *("order", "create", programme, name, "--millesime", "2022"),
        *("--carnets", str(carnets), "--size", str(size), "--holder", STOCK),
    )


@pytest.fixture(scope="module", autouse=True)
def aveyron(ordered: Souche) -> None:
    """A programme with room for more, and one without a cap."""
    ordered.do("programme", "preset", "av12", "--open")
    ordered.do("programme", "preset", "ca62", "--open")


def test_a_killed_issue_goes_on_with_the_same_codes(
    ordered: Souche, database: tuple[Path, Database]
) -> None:
    _order(ordered, "large", CARNETS)
    path = ordered.data / "print" / "large.jsonl"
    command = ("order", "issue", "AV12", "large", "--to", str(path))

    _kill_between(ordered, command, path)
    before = path.read_text().splitlines()[:-1]  # the last one may be half a line
    seed = seed_file(path).read_text()
    ordered.do(*command)

    after = path.read_text().splitlines()
    assert 0 < len(before) < CARNETS
    assert after[: len(before)] == before
    assert len(after) == CARNETS
    assert len(bytes.fromhex(seed.split()[0])) == 32
    assert not seed_file(path).exists()
    _check_codes(ordered, database[1], path)


def _kill_between(souche: Souche, command: tuple[str, ...], path: Path) -> None:
    with souche.started(*command) as process:
        while not (path.exists() and path.stat().st_size > 60_000):
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        process.kill()


def _check_codes(souche: Souche, database: Database, path: Path) -> None:
    """Every code of the file opens the ticket that the log has, and there are no others."""
    printed = read_print(path)
    peppers = open_secrets(souche.data).peppers
    with psycopg.connect(database.projector) as connection:
        rows = connection.execute("SELECT state FROM events WHERE topic = 'carnet.issued.v1'")
        facts = [decode(row[0]).fact for row in rows]
    issued = [fact for fact in facts if isinstance(fact, CarnetIssued) and fact.order == "large"]
    assert {fact.carnet for fact in issued} == printed.keys()
    for fact in issued:
        pepper = peppers[fact.pepper_id]
        codes = printed[fact.carnet]
        assert tuple(pepper.digest(parse_code(code).text) for code in codes) == fact.digests


def test_print_files_are_for_their_owner_only(small: tuple[Souche, str]) -> None:
    souche, name = small
    path = souche.data / "print" / f"{name}.csv"

    souche.do("order", "issue", "AV12", name, "--to", str(path), "--format", "csv")

    lines = path.read_text().splitlines()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(lines) == 50
    carnet, ticket, code = lines[0].split(",")
    assert (parse_code(code).carnet, parse_code(code).ticket) == (carnet, int(ticket))


def test_an_order_that_is_complete_is_not_issued_to_another_file(
    small: tuple[Souche, str],
) -> None:
    souche, name = small
    path = souche.data / "print" / name
    souche.do("order", "issue", "AV12", name, "--to", str(path))

    again = souche.do("order", "issue", "AV12", name, "--to", str(path))
    told = souche.refuse("order", "issue", "AV12", name, "--to", f"{path}.other")

    assert "5 carnets are issued" in again
    assert "can't be made again" in told


def test_an_issue_goes_on_in_csv_with_format_left_out_no_more(ordered: Souche) -> None:
    _order(ordered, "as-csv", CARNETS)
    path = ordered.data / "print" / "as-csv"
    command = ("order", "issue", "AV12", "as-csv", "--to", str(path))
    _kill_between(ordered, (*command, "--format", "csv"), path)

    path.write_text("")  # as a kill leaves it that comes before the first line
    told = ordered.refuse(*command)
    ordered.do(*command, "--format", "csv")

    assert "was begun with --format csv" in told
    assert f"`souche {shlex.join(command)} --format csv`" in told
    assert len(path.read_text().splitlines()) == 10 * CARNETS


def test_an_unfinished_issue_can_be_had_in_the_other_format(ordered: Souche) -> None:
    """Its seed makes the same codes, and keeps the new format beside them."""
    _order(ordered, "changed", CARNETS)
    path = ordered.data / "print" / "changed"
    command = ("order", "issue", "AV12", "changed", "--to", str(path))
    _kill_between(ordered, command, path)
    first = msgspec.json.decode(path.read_text().splitlines()[0], type=PrintedCarnet)
    path.write_text("")

    _kill_between(ordered, (*command, "--format", "csv"), path)
    ordered.refuse(*command)
    assert path.read_text().splitlines()[0].split(",") == [first.carnet, "1", first.codes[0]]
    path.unlink()  # as the refusal says
    ordered.do(*command)

    assert len(read_print(path)) == CARNETS
    assert read_print(path)[first.carnet] == first.codes
    assert not seed_file(path).exists()


@pytest.mark.parametrize(("begun", "other"), [("csv", "jsonl"), ("jsonl", "csv")])
def test_a_whole_file_does_not_pass_for_another_format(
    small: tuple[Souche, str], begun: str, other: str
) -> None:
    souche, name = small
    command = ("order", "issue", "AV12", name, "--to", str(souche.data / "print" / name))
    souche.do(*command, "--format", begun)

    told = souche.refuse(*command, "--format", other)

    assert f"was written with --format {begun}" in told
    assert f"`souche {shlex.join(command)} --format {begun}`" in told
    assert "5 carnets are issued" in souche.do(*command, "--format", begun)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "remember the milk",
        "eggs,milk,butter\n",
        "{}\n",
        '{"carnet": "AV12-0000001", "codes": []}\n',
        '["AV12-0000001"]\n',
        "\udcff\n",
    ],
    ids=ascii,
)
def test_what_is_no_print_file_does_not_pass_for_one(issued: Souche, text: str) -> None:
    path = issued.data / "print" / "notes.txt"
    path.write_text(text, errors="surrogateescape")

    for form in ("csv", "jsonl"):
        told = issued.refuse("order", "issue", "AV12", "done", "--to", str(path), "--format", form)
        assert f"{path} does not begin with its codes" in told
        assert "in the file that it was issued to, and nowhere else" in told


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_another_orders_print_file_does_not_pass_for_this_ones(
    issued: Souche, small: tuple[Souche, str], form: str
) -> None:
    _, name = small
    path = issued.data / "print" / name
    issued.do("order", "issue", "AV12", name, "--to", str(path), "--format", form)

    told = issued.refuse("order", "issue", "AV12", "done", "--to", str(path), "--format", form)

    assert f"{path} does not begin with its codes" in told


@pytest.mark.parametrize("left", ["nothing", "", '{"carnet": "AV1'])
def test_another_orders_seed_is_not_taken(
    ordered: Souche, small: tuple[Souche, str], left: str
) -> None:
    """It would be gone with this order's last carnet, and the other's codes with it."""
    other = f"other-{time.monotonic_ns()}"
    _order(ordered, other, CARNETS, "CA62", 5)
    path = ordered.data / "print" / other
    command = ("order", "issue", "CA62", other, "--to", str(path))
    _kill_between(ordered, command, path)
    path.unlink()
    if left != "nothing":
        path.write_text(left)

    told = ordered.refuse("order", "issue", "AV12", small[1], "--to", str(path))
    ordered.do(*command)

    assert f"{seed_file(path)} makes the codes of order {other} of CA62." in told
    assert len(read_print(path)) == CARNETS


def test_the_seed_of_the_same_order_in_another_ledger_is_not_taken(
    small: tuple[Souche, str],
) -> None:
    souche, name = small
    path = souche.data / "print" / name
    seed_file(path).write_text("00" * 32 + f" jsonl AV12/{name}/0123456789abcdef")

    told = souche.refuse("order", "issue", "AV12", name, "--to", str(path))

    assert f"makes the codes of order {name} of AV12 in another ledger." in told
    assert seed_file(path).exists()


def test_a_seed_that_tells_no_order_begins_none(small: tuple[Souche, str]) -> None:
    """As the first ones were. It may be all that there is of an order that was begun."""
    souche, name = small
    path = souche.data / "print" / name
    seed_file(path).write_text("00" * 32 + " jsonl")

    told = souche.refuse("order", "issue", "AV12", name, "--to", str(path))

    assert "does not say of which order it is" in told
    assert seed_file(path).exists()


def test_a_seed_that_tells_no_order_goes_on_with_the_one_that_was_begun(ordered: Souche) -> None:
    _order(ordered, "as-first", CARNETS, "CA62", 5)
    path = ordered.data / "print" / "as-first"
    command = ("order", "issue", "CA62", "as-first", "--to", str(path))
    _kill_between(ordered, command, path)
    seed_file(path).write_text(seed_file(path).read_text().split()[0])

    ordered.do(*command)

    assert len(read_print(path)) == CARNETS


def test_another_orders_print_file_beside_the_seed_is_not_emptied(
    issued: Souche,
) -> None:
    _order(issued, "moved", CARNETS, "CA62", 5)
    path = issued.data / "print" / "moved"
    command = ("order", "issue", "CA62", "moved", "--to", str(path))
    _kill_between(issued, command, path)
    codes = (issued.data / "print" / "done").read_text()
    path.write_text(codes)

    told = issued.refuse(*command)

    assert "which is not of this order" in told
    assert path.read_text() == codes


def test_a_second_run_is_kept_away(ordered: Souche) -> None:
    """It would empty the file that the first one writes, which then removes the seed."""
    _order(ordered, "twice", CARNETS, "CA62", 5)
    path = ordered.data / "print" / "twice"
    command = ("order", "issue", "CA62", "twice", "--to", str(path))

    with _stopped_between(ordered, command, path) as process:
        size = path.stat().st_size
        told = ordered.refuse(*command)
        assert path.stat().st_size == size
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=LEAVING)

    assert f"Another run writes {path}." in told
    assert process.returncode == 0
    assert len(read_print(path)) == CARNETS
    assert sorted(each.name for each in path.parent.glob("*twice*")) == ["twice"]


@pytest.mark.parametrize("how", ["emptied", "renamed"])
def test_the_seed_is_kept_where_the_file_was_changed_meanwhile(ordered: Souche, how: str) -> None:
    _order(ordered, how, CARNETS, "CA62", 5)
    path = ordered.data / "print" / how
    command = ("order", "issue", "CA62", how, "--to", str(path))

    with _stopped_between(ordered, command, path) as process:
        if how == "emptied":
            os.truncate(path, 0)
        else:
            path.rename(f"{path}.aside")
        process.send_signal(signal.SIGCONT)
        _, told = process.communicate(timeout=LEAVING)

    assert process.returncode == 1
    assert f"{path} does not have what was written to it" in told
    ordered.do(*command)
    assert len(read_print(path)) == CARNETS


@contextmanager
def _stopped_between(
    souche: Souche, command: tuple[str, ...], path: Path
) -> Iterator[subprocess.Popen[str]]:
    with souche.started(*command) as process:
        while not (path.exists() and path.stat().st_size > 60_000):
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)  # or it takes no other signal


@pytest.mark.parametrize(
    "text", ["", "\n", "milk", "00 csv", "00" * 32 + " xml", "\udcff"], ids=ascii
)
def test_what_is_no_seed_is_told_with_what_to_do(small: tuple[Souche, str], text: str) -> None:
    souche, name = small
    path = souche.data / "print" / name
    seed_file(path).parent.mkdir(exist_ok=True)
    seed_file(path).write_text(text, errors="surrogateescape")

    for form in ("csv", "jsonl"):
        told = souche.refuse("order", "issue", "AV12", name, "--to", str(path), "--format", form)
        assert f"{seed_file(path)} holds no seed" in told
        assert "Put back what was in it" in told
    seed_file(path).unlink()  # none are issued
    souche.do("order", "issue", "AV12", name, "--to", str(path))


def test_a_file_of_another_order_is_never_overwritten(small: tuple[Souche, str]) -> None:
    souche, name = small
    path = souche.data / "print" / f"{name}.keep"
    path.write_text("codes of something else\n")

    told = souche.refuse("order", "issue", "AV12", name, "--to", str(path))

    assert "exists" in told
    assert path.read_text() == "codes of something else\n"


def test_a_wrong_seed_is_told(small: tuple[Souche, str]) -> None:
    souche, name = small
    path = souche.data / "print" / name
    souche.do("order", "issue", "AV12", name, "--to", str(path))
    codes = path.read_text()
    seed_file(path).write_text("00" * 32)

    told = souche.refuse("order", "issue", "AV12", name, "--to", str(path))

    assert "command-id-reused" in told
    assert path.read_text() == codes


def test_an_order_does_not_reach_for_the_carnets_before_it(
    issued: Souche, small: tuple[Souche, str]
) -> None:
    _, name = small
    issued.do("order", "issue", "AV12", name, "--to", str(issued.data / "print" / name))

    told = issued.refuse("order", "activate", "AV12", name, "--first", "1", "--count", "9")

    assert f"Order {name} has no carnet 1: it has the numbers" in told


def test_an_order_that_is_not_there_is_refused(ordered: Souche) -> None:
    assert "order-unknown" in ordered.refuse("order", "issue", "AV12", "none", "--to", "x")
    assert "programme-unknown" in ordered.refuse("order", "issue", "ZZ99", "none", "--to", "x")
