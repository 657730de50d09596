"""The whole chain on a small ledger: seeded by the real commands, served, measured, audited."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvloop

from ledger.decisions.programmes import StartLedger
from ledger.facts import CarnetAssigned, CarnetIssued, TerminalEnrolled
from ledger.facts.codec import tag_of
from ledger.log.connection import PostgresStore
from ledger.values.clock import real_now
from ledger.writer import Writer
from loadtests.claims import batch_requests, requests
from loadtests.following import following
from loadtests.inprocess import Work, measure
from loadtests.kill import Target, kill_rounds
from loadtests.load import load
from loadtests.machine import sample
from loadtests.online import Probe, UnaccountedError
from loadtests.plan import BATCH_CLAIMS
from loadtests.scratch import Scratch, scratch_ledger
from loadtests.seeded import Seeded, read_seeded, write_seeded
from loadtests.seeding import seed
from loadtests.service import running_service
from loadtests.serving import ROOT
from loadtests.summary import NAMED
from loadtests.targets import Running, UnloadableError
from loadtests.writing import carry_out

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # on a machine that does other things

CARNETS = 600
AGE = timedelta(days=5 * 365)  # of a demo's day
COUNT = "SELECT count(*) FROM events WHERE topic = %s"


@pytest.fixture(scope="module")
def ledger() -> Iterator[Scratch]:
    with scratch_ledger() as found:
        yield found


@pytest.fixture(scope="module")
def seeded(ledger: Scratch) -> Seeded:
    return seed(ledger, CARNETS, 5, terminals=4)


@pytest.fixture(scope="module")
def probe(ledger: Scratch, seeded: Seeded) -> Iterator[Probe]:
    with running_service(ledger) as service:
        yield Probe(ledger, service)


def test_a_seeded_ledger_has_what_it_says(ledger: Scratch, seeded: Seeded, tmp_path: Path) -> None:
    with psycopg.connect(ledger.database.owner) as connection:
        counts = {
            fact: (connection.execute(COUNT, [tag_of(fact)]).fetchone() or (0,))[0]
            for fact in (CarnetIssued, CarnetAssigned, TerminalEnrolled)
        }
    write_seeded(tmp_path / "seeded", seeded)

    assert counts == {
        CarnetIssued: len(seeded.carnets),
        CarnetAssigned: len(seeded.carnets),
        TerminalEnrolled: 4,
    }
    assert len(seeded.carnets) >= CARNETS
    assert read_seeded(tmp_path / "seeded") == seeded
    assert (tmp_path / "seeded").stat().st_mode & 0o077 == 0


def test_what_was_acknowledged_is_in_the_log(probe: Probe, seeded: Seeded) -> None:
    before = probe.log_size()
    asked = requests(probe.service, seeded.devices, seeded.carnets[:200], 1)

    figures = probe.measure(asked, connections=8, seconds=20)

    assert probe.log_size() - before == 200
    assert figures["rps"] > 0
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert figures["service_us"] > 0


def test_a_batch_counts_its_claims(probe: Probe, seeded: Seeded) -> None:
    asked = batch_requests(probe.service, seeded.devices, seeded.carnets[200:400], 1, BATCH_CLAIMS)

    figures = probe.measure(asked, connections=1, seconds=20, claims=BATCH_CLAIMS)

    assert figures["claims_per_second"] == pytest.approx(BATCH_CLAIMS * figures["rps"], rel=0.01)


def test_redeemed_tickets_give_no_rate(probe: Probe, seeded: Seeded) -> None:
    """Refusals are quicker than redemptions: a bench that counted them would flatter."""
    for expected in (False, True):
        asked = requests(probe.service, seeded.devices, seeded.carnets[:50], 2)
        if expected:
            with pytest.raises(UnaccountedError, match="409"):
                probe.measure(asked, connections=8, seconds=20)
        else:
            probe.measure(asked, connections=8, seconds=20)


def test_the_writer_alone_redeems_all_that_it_is_given(ledger: Scratch, seeded: Seeded) -> None:
    with psycopg.connect(ledger.database.owner) as connection:
        (before,) = connection.execute("SELECT size FROM log_head").fetchone() or (0,)
    work = Work(
        database=ledger.database,
        folder=ledger.folder,
        devices=seeded.devices,
        ticket=3,
        warm_up=seeded.carnets[:10],
        singles={1: seeded.carnets[10:20], 100: seeded.carnets[20:120]},
        whole=seeded.carnets[400:500],
        fives=seeded.carnets[500:600],
    )

    measured = measure(work)

    with psycopg.connect(ledger.database.owner) as connection:
        (after,) = connection.execute("SELECT size FROM log_head").fetchone() or (0,)
    assert after - before == 10 + 10 + 100 + 5 * 100 + 100
    runs = {"1", "100", "1000", "fives"}
    assert measured.rates.keys() == measured.cpu_us.keys() == measured.machine.keys() == runs
    assert min(measured.rates.values()) > 0


def test_the_quick_bench_writes_each_named_figure(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"

    run = subprocess.run(
        [sys.executable, "-m", "loadtests.bench", "--quick", f"--json={path}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "SOUCHE_DATABASE_URL"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    found = json.loads(path.read_text())
    assert list(found)[: 1 + len(NAMED)] == ["cores", *NAMED]
    assert found["insert"].keys() == {"8", "32", "64"}
    assert found["writer"].keys() == {"1", "10", "100", "1000"}
    assert found["online"].keys() == {"1", "8", "32", "64", "128"}
    assert found["online_followed"].keys() == {"64"}
    assert found["bytes_per_redemption"] <= 600
    assert "pgbench, durable inserts, clients: 64" in run.stdout
    told = {"stolen_percent" in figures for figures in beside_rates(found)}
    assert told == {sample() is not None}


def beside_rates(found: dict[str, Any]) -> Iterator[dict[str, float]]:
    """The figures beside each rate; a single number has them apart, by the same names."""
    for name in ("online", "online_followed", "batch", "afternoon", "textbook"):
        yield from found[name].values()
    machine = found.get("machine", {})
    for name in ("insert", "writer", "writer_fives"):
        yield from (machine.get(name, {}).get(size, {}) for size in found[name])
    yield machine.get("catch_up_per_second", {})


def test_locust_users_and_the_books_agree(tmp_path: Path) -> None:
    outcome = load(users=5, seconds=5, target=None, folder=tmp_path)

    assert outcome.well, "\n".join(outcome.lines())


def test_a_service_that_runs_already_is_loaded(tmp_path: Path) -> None:
    """A demo's, whose clock is set back: what is seeded has to be good on the ledger's day."""
    with scratch_ledger() as ledger:
        uvloop.run(start_in_the_past(ledger))
        with running_service(ledger) as service, following(ledger.database):
            target = Running(service.authority, ledger.folder)

            outcome = load(users=3, seconds=3, target=target, folder=tmp_path)

    assert outcome.well, "\n".join(outcome.lines())


class OpeningDay:
    """The clock of a demo's first fact; from the next one on, the ledger's own is set back."""

    def now(self) -> datetime:
        return real_now() - AGE


async def start_in_the_past(ledger: Scratch) -> None:
    store = PostgresStore(ledger.database.writer, ledger.database.channel)
    writer = Writer(store, OpeningDay(), ledger.secrets.peppers)
    await writer.start()
    offset = -int(AGE.total_seconds())
    start = StartLedger(command_id="s", actor="load", demo=True, clock_offset_seconds=offset)
    await carry_out(writer, start)
    await writer.stop()


def test_a_service_that_knows_itself_by_another_name_is_not_loaded(
    probe: Probe, tmp_path: Path
) -> None:
    """Its terminals would ask for sessions until the time is up."""
    _, port = probe.service.authority.split(":")
    target = Running(f"localhost:{port}", probe.ledger.folder)

    with pytest.raises(UnloadableError, match="another name"):
        load(users=1, seconds=1, target=target, folder=tmp_path)


@pytest.mark.parametrize("target", Target)
def test_a_kill_under_load_loses_nothing_that_is_durable(target: Target, tmp_path: Path) -> None:
    """The control acknowledges before it is: the same check finds what that loses."""
    outcome = kill_rounds(target, rounds=1, seconds=1.0, folder=tmp_path)

    assert outcome.as_expected, "\n".join(outcome.lines())
    assert outcome.verdict.acknowledged > 0
    assert bool(outcome.verdict.lost) is (target is Target.CONTROL)
