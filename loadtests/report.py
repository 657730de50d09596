"""The bench's figures for people: a table, and a few sentences."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

# The table: where the rates are, by clients, connections or claims a batch, and their titles.
ROWS = (
    ("insert", "pgbench, durable inserts, clients: {}"),
    ("writer", "writer alone, claims a batch: {}"),
    ("writer_fives", "the same, five tickets a claim: {}"),
    ("online", "online, connections: {}", "rps"),
    ("online_followed", "the same, with followers: {}", "rps"),
    ("batch", "100 claims a request, connections: {}", "claims_per_second"),
    ("afternoon", "an afternoon's good effort: {}", "rps"),
    ("textbook", "the textbook stack: {}", "rps"),
)
YARDSTICK = "64"  # pgbench's clients, and connections
PROCESSES = ("service_us", "database_us", "generator_us")
MACHINE = ("stolen_percent", "idle_percent")
MUCH_STOLEN = 10  # per cent; beyond it the figures say more of the neighbours than of the code


def show(console: Console, found: dict[str, Any]) -> None:
    """Print the table, and under it what needs a sentence."""
    table = Table(title=_title(found))
    table.add_column("tickets a second", no_wrap=True)
    for column in ("median", "least–most", "× pgbench", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column(f"µs: service,\ndatabase, {found['generator']}", justify="right", no_wrap=True)
    if _stolen(found["rounds"]):
        table.add_column("stolen,\nidle %", justify="right", no_wrap=True)
    for title, *path in _paths(found):
        table.add_row(title, *_cells(found, path))
    console.print(table)
    for sentence in _sentences(found):
        console.print(sentence)


def _title(found: dict[str, Any]) -> str:
    """What the figures hold for."""
    workers, rounds = found["workers"], len(found["rounds"])
    served = "one worker" if workers == 1 else f"{workers} workers"
    taken = "one round" if rounds == 1 else f"medians of {rounds} rounds"
    shared = f"{found['cores']} cores, shared with the database and {found['generator']}"
    return f"{served} on {shared}; {taken}"


def _paths(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The rows: a title, and where the rate is."""
    for name, title, *figure in ROWS:
        for size in found.get(name, {}):
            yield title.format(size), name, size, *figure


def _cells(found: dict[str, Any], path: Sequence[str]) -> Iterator[str]:
    rate, yardstick = _at(found, path), found.get("insert", {}).get(YARDSTICK)
    yield f"{rate:,.0f}"
    yield f"{_at(found['least'], path):,.0f}–{_at(found['most'], path):,.0f}"
    yield f"{rate / yardstick:.2f}" if yardstick else ""
    figures = _at(found, path[:-1])
    for name in ("p50_ms", "p99_ms"):
        yield f"{figures[name]:.1f}" if name in figures else ""
    yield "  ".join(f"{figures[name]:.0f}" for name in PROCESSES if name in figures)
    if machine := _machine(found, path):
        yield ", ".join(f"{machine[name]:.0f}" for name in MACHINE)


def _machine(found: dict[str, Any], path: Sequence[str]) -> dict[str, float]:
    """What the machine did meanwhile: among the figures, or where there is only one, apart."""
    name, size, *figure = path
    places = found if figure else found.get("machine", {})
    beside: dict[str, float] = _at(places, (name, size)) if places else {}
    return beside if MACHINE[0] in beside else {}


def _sentences(found: dict[str, Any]) -> Iterator[str]:
    """What needs no row."""
    if {"online", "afternoon"} <= found.keys():
        times = {
            name: found["online"][YARDSTICK]["rps"] / found[name][YARDSTICK]["rps"]
            for name in ("afternoon", "textbook")
        }
        yield (
            f"Online at {YARDSTICK} connections: {times['afternoon']:.1f} × the afternoon's "
            f"effort, {times['textbook']:.0f} × the textbook stack."
        )
    if (size := found.get("bytes_per_redemption")) is not None:
        yield f"{size:.0f} bytes on disk for a redemption of one ticket, indexes included."
    if (lag := found.get("lag_seconds")) is not None:
        yield (
            f"Balances and payouts at most {lag:.2f} s behind under load; they catch up at "
            f"{found['catch_up_per_second']:,.0f} events/s."
        )
    yield f"{found['seconds']:.0f} s in all."
    if (share := median(_stolen(found["rounds"]) or [0])) > MUCH_STOLEN:
        yield (
            f"The hypervisor gave {share:.0f} % of the processor time to others (median of all "
            "measurements), so rates are lower and latencies longer than this machine's own: "
            "repeat the bench in a quieter hour, or on a machine of your own."
        )


def _stolen(tree: Any) -> list[float]:  # noqa: ANN401 (nested figures)
    """The stolen share of every measurement in every round; none where it is not known."""
    match tree:
        case {"stolen_percent": share}:
            return [share]
        case dict():
            return _stolen(list(tree.values()))
        case list():
            return [share for each in tree for share in _stolen(each)]
        case _:
            return []


def _at(tree: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 (nested figures)
    for name in path:
        tree = tree[name]
    return tree
