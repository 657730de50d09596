import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtests.bench import WIDTH
from loadtests.plan import Part, full_plan
from loadtests.report import show
from loadtests.summary import NAMED, summary, write

FIGURES = {"rps": 100.0, "p50_ms": 3.5, "p99_ms": 6.0, "claims_per_second": 1000.0}
ONLINE = {**FIGURES, "service_us": 40.0, "database_us": 10.0, "generator_us": 3.0}
OBJECTS = ("online", "online_followed", "batch", "afternoon", "textbook")
NUMBERS = {  # they have no place for what the machine did
    "insert": ("8", "64"),
    "writer": ("1", "1000"),
    "writer_fives": ("1000",),
}


def measured(factor: float) -> dict[str, Any]:
    """A round in which everything was `factor` times as much."""

    def times(tree: Any) -> Any:  # noqa: ANN401 (nested figures)
        if isinstance(tree, dict):
            return {name: times(value) for name, value in tree.items()}
        return tree * factor

    found: dict[str, Any] = times(
        {
            "insert": {"8": 100.0, "64": 200.0},
            "writer": {"1": 10.0, "1000": 5000.0},
            "writer_fives": {"1000": 9000.0},
            "writer_cpu_us": {"1": 500.0},
            "online": {"1": ONLINE, "64": ONLINE},
            "bytes_per_redemption": 500.0,
            "catch_up_per_second": 60_000.0,
            "online_followed": {"64": ONLINE},
            "lag_seconds": 0.25,
            "batch": {"4": ONLINE},
            "afternoon": {"64": FIGURES},
            "textbook": {"64": FIGURES},
        }
    )
    return found


def test_the_json_begins_with_the_medians_of_the_named_figures(tmp_path: Path) -> None:
    path = tmp_path / "var/bench.json"

    write(path, summary([measured(3), measured(1), measured(2)], cores=2, workers=2, seconds=9))

    found = json.loads(path.read_text())
    assert list(found)[: 1 + len(NAMED)] == ["cores", *NAMED]
    assert (found["cores"], found["workers"]) == (2, 2)
    assert found["insert"] == {"8": 200, "64": 400}
    assert found["writer"] == {"1": 20, "1000": 10_000}
    assert found["online"]["64"]["p99_ms"] == 12
    assert found["online_followed"]["64"]["rps"] == 200
    assert found["batch"]["4"]["claims_per_second"] == 2000
    assert found["afternoon"]["64"]["rps"] == 200
    assert (found["bytes_per_redemption"], found["lag_seconds"]) == (1000, 0.5)
    assert (found["least"]["insert"]["8"], found["most"]["insert"]["8"]) == (100, 300)
    assert len(found["rounds"]) == 3


def on_a_machine(stolen: float) -> dict[str, Any]:
    """A round in which the hypervisor took `stolen` per cent, and 7 were left over."""
    shares, found = {"stolen_percent": stolen, "idle_percent": 7.0}, measured(1)
    for name in OBJECTS:
        for size in found[name]:
            found[name][size] |= shares
    machine = {name: dict.fromkeys(sizes, shares) for name, sizes in NUMBERS.items()}
    return {**found, "machine": machine}


def shown(found: dict[str, Any]) -> str:
    text = io.StringIO()
    show(Console(file=text, width=WIDTH), found)
    return text.getvalue()


def test_the_table_compares_with_the_yardstick() -> None:
    table = shown(summary([measured(1), measured(2)], cores=2, workers=1, seconds=9))

    assert "online, connections: 64" in table
    assert "100–200" in table
    assert "25.00" in table  # the writer's 7500 tickets, pgbench's 300 inserts
    assert "1.0 × the afternoon's effort" in table


@pytest.mark.parametrize(
    ("workers", "rounds", "title"),
    [
        (1, 2, "one worker on 4 cores, shared with the database and "),
        (3, 2, "3 workers on 4 cores, shared with the database and "),
        (1, 2, "; medians of 2 rounds"),
        (1, 1, "; one round"),
    ],
)
def test_the_title_says_what_the_figures_hold_for(workers: int, rounds: int, title: str) -> None:
    """Rates of one worker and of several are not to be mistaken for each other."""
    taken = [measured(1)] * rounds

    assert title in shown(summary(taken, cores=4, workers=workers, seconds=9))


def test_each_row_says_what_the_machine_did_meanwhile() -> None:
    rounds = [on_a_machine(stolen) for stolen in (3, 60, 42)]

    rows = [line for line in shown(summary(rounds, 2, 1, 9)).splitlines() if line[:1] == "│"]

    assert len(rows) == 11
    assert all(row.rstrip("│ ").endswith(" 42, 7") for row in rows)


@pytest.mark.parametrize(
    ("stolen", "told"), [((0, 11, 60), True), ((0, 10, 60), False), ((0, 0, 60), False)]
)
def test_more_than_a_tenth_stolen_is_worth_a_sentence(
    stolen: tuple[float, ...], *, told: bool
) -> None:
    text = shown(summary([on_a_machine(share) for share in stolen], 2, 1, 9))

    assert ("The hypervisor gave 11 % of the processor time to others" in text) is told
    assert ("quieter hour" in text) is told


def test_nothing_is_said_of_a_machine_that_does_not_tell() -> None:
    text = shown(summary([measured(1)], 2, 1, 9))

    assert "stolen" not in text
    assert "hypervisor" not in text


def test_a_fast_machine_fits_the_table() -> None:
    """Where there is no terminal, the table has a width of its own, and cuts what is wider."""
    found = summary([on_a_machine(100), on_a_machine(100)], 2, 1, 9)
    found["generator"] = "sockets"
    found["least"]["batch"]["4"]["claims_per_second"] = 123_456
    found["most"]["batch"]["4"]["claims_per_second"] = 234_567
    found["online"]["1"] |= {"service_us": 1234.0, "database_us": 1234.0, "generator_us": 234.0}

    text = shown(found)

    assert "123,456–234,567" in text
    assert "1234  1234  234" in text
    assert "…" not in text


def test_parts_can_be_shown_alone() -> None:
    table = shown(summary([{"writer": {"1": 10.0}, "writer_cpu_us": {"1": 9.0}}], 2, 1, 9))

    assert "writer alone" in table
    assert "pgbench, " not in table
    assert "bytes on disk" not in table


def test_a_plan_of_some_parts_seeds_for_those() -> None:
    whole, part = full_plan(5), full_plan(5).only([Part.WRITER])

    assert part.carnets < whole.carnets
    assert part.reused == sum(part.writer.values()) + 2 * part.warm_up
    assert part.writer == whole.writer
