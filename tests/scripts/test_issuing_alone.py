"""Two runs or two orders never share a print file: neither loses a code to the other."""

import os
import signal
import time

import pytest

from scripts.stock.printing import read_print, seed_file
from tests.scripts.ordering import CARNETS, kill_between, order, stopped_between
from tests.scripts.running import LEAVING, Souche

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_another_orders_print_file_does_not_pass_for_this_ones(
    issued: Souche, small: tuple[Souche, str], form: str
) -> None:
    _, name = small
    path = issued.data / "print" / name
    issued.do("order", "issue", "AV12", name, "--to", str(path), "--format", form)

    told = issued.refuse("order", "issue", "AV12", "done", "--to", str(path), "--format", form)

    assert f"{path} does not begin with its codes" in told


@pytest.mark.parametrize("left", ["nothing", "", '{"carnet":"CA6'])
def test_another_orders_seed_is_not_taken(
    roomy: Souche, small: tuple[Souche, str], left: str
) -> None:
    """It would be gone with this order's last carnet, and the other's codes with it."""
    other = f"other-{time.monotonic_ns()}"
    command, path = order(roomy, other, CARNETS, "CA62", 5)
    kill_between(roomy, command, path)
    path.unlink()
    if left != "nothing":
        path.write_text(left)

    told = roomy.refuse("order", "issue", "AV12", small[1], "--to", str(path))
    roomy.do(*command)

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


def test_a_seed_that_tells_no_order_goes_on_with_the_one_that_was_begun(roomy: Souche) -> None:
    command, path = order(roomy, "as-first", CARNETS, "CA62", 5)
    kill_between(roomy, command, path)
    seed_file(path).write_text(seed_file(path).read_text().split()[0])

    roomy.do(*command)

    assert len(read_print(path)) == CARNETS


def test_another_orders_print_file_beside_the_seed_is_not_emptied(
    issued: Souche,
) -> None:
    command, path = order(issued, "moved", CARNETS, "CA62", 5)
    kill_between(issued, command, path)
    codes = (issued.data / "print" / "done").read_text()
    path.write_text(codes)

    told = issued.refuse(*command)

    assert "which is not of this order" in told
    assert path.read_text() == codes


def test_a_second_run_is_kept_away(roomy: Souche) -> None:
    """It would empty the file that the first one writes, which then removes the seed."""
    command, path = order(roomy, "twice", CARNETS, "CA62", 5)

    with stopped_between(roomy, command, path) as process:
        size = path.stat().st_size
        told = roomy.refuse(*command)
        assert path.stat().st_size == size
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=LEAVING)

    assert f"Another run writes {path}." in told
    assert process.returncode == 0
    assert len(read_print(path)) == CARNETS
    assert sorted(each.name for each in path.parent.glob("*twice*")) == ["twice"]


@pytest.mark.parametrize("how", ["emptied", "renamed"])
def test_the_seed_is_kept_where_the_file_was_changed_meanwhile(roomy: Souche, how: str) -> None:
    command, path = order(roomy, how, CARNETS, "CA62", 5)

    with stopped_between(roomy, command, path) as process:
        if how == "emptied":
            os.truncate(path, 0)
        else:
            path.rename(f"{path}.aside")
        process.send_signal(signal.SIGCONT)
        _, told = process.communicate(timeout=LEAVING)

    assert process.returncode == 1
    assert f"{path} does not have what was written to it" in told
    roomy.do(*command)
    assert len(read_print(path)) == CARNETS


def test_a_file_of_another_order_is_never_overwritten(small: tuple[Souche, str]) -> None:
    souche, name = small
    path = souche.data / "print" / f"{name}.keep"
    path.write_text("codes of something else\n")

    told = souche.refuse("order", "issue", "AV12", name, "--to", str(path))

    assert "exists" in told
    assert path.read_text() == "codes of something else\n"
