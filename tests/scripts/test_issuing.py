"""Carnets are issued with the codes that the print file has, whatever interrupts it."""

import resource
import shlex
import stat
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
from tests.scripts.ordering import CARNETS, MIDDLE, kill_between, order
from tests.scripts.running import LEAVING, Souche


def test_a_killed_issue_goes_on_with_the_same_codes(
    roomy: Souche, database: tuple[Path, Database]
) -> None:
    command, path = order(roomy, "large", CARNETS)

    kill_between(roomy, command, path)
    before = path.read_text().splitlines()[:-1]  # the last one may be half a line
    seed = seed_file(path).read_text()
    roomy.do(*command)

    after = path.read_text().splitlines()
    assert 0 < len(before) < CARNETS
    assert after[: len(before)] == before
    assert len(after) == CARNETS
    assert len(bytes.fromhex(seed.split()[0])) == 32
    assert not seed_file(path).exists()
    _check_codes(roomy, database[1], path)


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


def test_an_issue_whose_disk_is_full_goes_on_with_the_same_codes(roomy: Souche) -> None:
    command, path = order(roomy, "full", CARNETS, "CA62", 5)

    with roomy.started(*command) as process:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (MIDDLE, resource.RLIM_INFINITY))
        _, told = process.communicate(timeout=LEAVING)
    before = path.read_text().splitlines()[:-1]
    roomy.do(*command)

    assert process.returncode == 1
    assert f"{path} can't be written: File too large." in told
    assert "run this again: it goes on where it stopped" in told
    assert 0 < len(before) < CARNETS
    assert path.read_text().splitlines()[: len(before)] == before
    assert not seed_file(path).exists()


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


def test_an_issue_goes_on_in_csv_with_format_left_out_no_more(roomy: Souche) -> None:
    command, path = order(roomy, "as-csv", CARNETS)
    kill_between(roomy, (*command, "--format", "csv"), path)

    path.write_text("")  # as a kill leaves it that comes before the first line
    told = roomy.refuse(*command)
    roomy.do(*command, "--format", "csv")

    assert "was begun with --format csv" in told
    assert f"`souche {shlex.join(command)} --format csv`" in told
    assert len(path.read_text().splitlines()) == 10 * CARNETS


def test_an_unfinished_issue_can_be_had_in_the_other_format(roomy: Souche) -> None:
    """Its seed makes the same codes, and keeps the new format beside them."""
    command, path = order(roomy, "changed", CARNETS)
    kill_between(roomy, command, path)
    first = msgspec.json.decode(path.read_text().splitlines()[0], type=PrintedCarnet)
    path.write_text("")

    kill_between(roomy, (*command, "--format", "csv"), path)
    roomy.refuse(*command)
    assert path.read_text().splitlines()[0].split(",") == [first.carnet, "1", first.codes[0]]
    path.unlink()  # as the refusal says
    roomy.do(*command)

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


@pytest.mark.parametrize(
    "text", ["", "\n", "milk", "00 csv", "00" * 32 + " xml", "\udcff"], ids=ascii
)
def test_what_is_no_seed_is_told_with_what_to_do(small: tuple[Souche, str], text: str) -> None:
    souche, name = small
    path = souche.data / "print" / name
    seed_file(path).write_text(text, errors="surrogateescape")

    for form in ("csv", "jsonl"):
        told = souche.refuse("order", "issue", "AV12", name, "--to", str(path), "--format", form)
        assert f"{seed_file(path)} holds no seed" in told
        assert "Put back what was in it" in told
    seed_file(path).unlink()  # none are issued
    souche.do("order", "issue", "AV12", name, "--to", str(path))


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


def test_an_order_that_is_not_there_is_refused(roomy: Souche) -> None:
    assert "order-unknown" in roomy.refuse("order", "issue", "AV12", "none", "--to", "x")
    assert "programme-unknown" in roomy.refuse("order", "issue", "ZZ99", "none", "--to", "x")


@pytest.mark.parametrize(
    "place", ["", ".", "..", "/", "new/", "x" * 300 + "/", "x.seed", "x.LOCK", ".x.seed.123"]
)
def test_what_can_be_no_print_file_is_refused(ordered: Souche, place: str) -> None:
    """Another file's seed has such a name."""
    said = ordered.run("order", "issue", "BFC22", "first", "--to", place, COLUMNS="200")

    assert said.code == 2
    assert "Invalid value for '--to'" in said.err


def test_a_name_that_no_file_can_have_is_told(small: tuple[Souche, str]) -> None:
    souche, name = small

    told = souche.refuse("order", "issue", "AV12", name, "--to", str(souche.data / ("x" * 300)))

    assert "can't be written: File name too long." in told


def test_no_folder_is_made_for_a_print_file(small: tuple[Souche, str]) -> None:
    """The only copy of the codes would lie where nobody meant it to."""
    souche, name = small
    folder = souche.data / "prnit"

    told = souche.refuse("order", "issue", "AV12", name, "--to", str(folder / name))

    assert f"There is no folder {folder}." in told
    assert not folder.exists()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_half_a_first_line_is_written_again(roomy: Souche, form: str) -> None:
    command, path = order(roomy, f"half-{form}", CARNETS, "CA62", 5)
    command = (*command, "--format", form)
    kill_between(roomy, command, path)
    line = path.read_bytes().splitlines()[0]
    path.write_bytes(line[:-9])

    roomy.do(*command)

    assert path.read_bytes().splitlines()[0] == line


@pytest.mark.parametrize("text", ["remember the milk\n", "A,B,C\n", '{"carnet":"AV12-1'])
def test_what_is_no_print_file_is_not_emptied(roomy: Souche, text: str) -> None:
    """It may have been put beside the seed while that waited."""
    command, path = order(roomy, f"notes-{len(text)}", CARNETS, "CA62", 5)
    kill_between(roomy, command, path)
    path.write_text(text)

    told = roomy.refuse(*command)

    assert f"{path} does not begin with the codes of this order." in told
    assert path.read_text() == text
    path.unlink()  # or moved away, as the refusal says
    roomy.do(*command)
