"""The yardstick of every ratio: durable single-row inserts, measured by pgbench."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

SCRIPT = Path(__file__).with_name("insert.sql")
RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
CONNECTING = re.compile(r"^initial connection time = ([0-9.]+) ms", re.MULTILINE)


class PgbenchError(RuntimeError):
    """pgbench failed, or a client of it gave up: its rate means nothing."""


@contextmanager
def insert_table(conninfo: str) -> Iterator[None]:
    """Keep the table of `insert.sql` for the length of a block, in a schema of its own."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS loadtest CASCADE")
        connection.execute("CREATE SCHEMA loadtest")
        connection.execute(
            "CREATE TABLE loadtest.inserts"
            " (id bigserial, number bigint NOT NULL, payload text NOT NULL)"
        )
        try:
            yield
        finally:
            connection.execute("DROP SCHEMA loadtest CASCADE")


def insert_rate(pgbench: Path, conninfo: str, *, clients: int, seconds: int) -> float:
    """Insert for `seconds` within `insert_table`; return the transactions a second.

    pgbench's time begins when its clients start to connect, its rate when they have. Where that
    took more than half of the time, it is given more.

    Raises:
        PgbenchError: when pgbench fails or aborts a client, or never gets to insert.

    """
    parameters = conninfo_to_dict(conninfo)
    password = parameters.pop("password", None)  # not for the list of processes
    threads = min(clients, os.cpu_count() or 1)
    command = [str(pgbench), "--no-vacuum", "--protocol=prepared"]
    command += [f"--client={clients}", f"--jobs={threads}", f"--file={SCRIPT}"]
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    for duration in (seconds, 5 * seconds, 25 * seconds):
        whole = [*command, f"--time={duration}", make_conninfo("", **parameters)]
        run = subprocess.run(whole, env=environment, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise PgbenchError(run.stderr or run.stdout)
        rate, connecting = RATE.search(run.stdout), CONNECTING.search(run.stdout)
        if rate and connecting and float(connecting[1]) < duration * 1000 / 2:
            return float(rate[1])
    raise PgbenchError(f"{clients} clients take too long to connect")
