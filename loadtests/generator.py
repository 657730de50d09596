"""One way to drive an HTTP endpoint with requests that were built beforehand.

Each request is whole, signed, and sent once: a second redemption of a ticket
measures a refusal. Two back ends, both in a process of their own and with the
same answers: wrk where it is installed, else a few sockets in Python. Each
reports the processor time it took, so that one can see whether the generator
was the limit.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtests.machine import Shares, sample, shares

WRK_SCRIPT = Path(__file__).with_name("replay.lua")
SOCKETS_SCRIPT = Path(__file__).with_name("replay.py")
GRACE_SECONDS = 10  # for the answers still awaited when the time is over


@unique
class Generator(StrEnum):
    """The back ends, the cheaper one first."""

    WRK = "wrk"
    SOCKETS = "sockets"


class GeneratorError(RuntimeError):
    """The generator itself failed, for instance because nothing listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What came back, and what it cost to ask."""

    generator: Generator
    statuses: Counter[int]  # answers by HTTP status
    broken: int  # connections lost, with the answer that they owed
    seconds: float  # from the first request to the last answer
    p50_ms: float
    p99_ms: float
    cpu_seconds: float  # of the generator
    machine: Shares

    @property
    def succeeded(self) -> int:
        """Answers from 200 to 299."""
        return sum(
            n
            for status, n in self.statuses.items()
            if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        )

    @property
    def rps(self) -> float:
        """Successes a second: refusals and broken connections count for nothing."""
        return self.succeeded / self.seconds if self.seconds else 0.0


def available_generator() -> Generator:
    """Return the cheapest back end that this machine has."""
    return Generator.WRK if shutil.which("wrk") else Generator.SOCKETS


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """Write a file for `drive`: before each request its length, in eight digits."""
    with path.open("wb") as file:
        file.writelines(b"%08d%b" % (len(request), request) for request in requests)


def drive(
    authority: str,
    requests: Path | Iterable[bytes],
    *,
    connections: int,
    seconds: int,
    generator: Generator | None = None,
) -> LoadResult:
    """Send each request once, over keep-alive connections that wait for their answers.

    Sends for `seconds`, or until the requests run out: the result has the time
    really used. Every request sent is answered, or its connection broken, before
    this returns. `requests` is a file made by `write_requests`, or its contents.

    Raises:
        GeneratorError: when the back end fails.

    """
    if not isinstance(requests, Path):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "requests"
            write_requests(path, requests)
            return drive(
                authority, path, connections=connections, seconds=seconds, generator=generator
            )
    generator = generator or available_generator()
    command = (_wrk_command if generator is Generator.WRK else _sockets_command)(
        authority, requests, connections, seconds
    )
    before = sample()
    output, cpu_seconds = _run(command)
    machine = shares(before, sample())
    found = json.loads(output)
    return LoadResult(
        generator=generator,
        statuses=Counter({int(status): n for status, n in found.pop("statuses").items()}),
        cpu_seconds=cpu_seconds,
        machine=machine,
        **found,
    )


def _wrk_command(authority: str, requests: Path, connections: int, seconds: int) -> list[str]:
    # One thread: each has a Lua state of its own, and would read the file from its start.
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--script={WRK_SCRIPT}"]
    command += [f"--duration={seconds + GRACE_SECONDS}s", f"--timeout={GRACE_SECONDS}s"]
    return [*command, f"http://{authority}/", "--", str(requests), str(connections), str(seconds)]


def _sockets_command(authority: str, requests: Path, connections: int, seconds: int) -> list[str]:
    command = [sys.executable, str(SOCKETS_SCRIPT), authority, str(requests)]
    return [*command, str(connections), str(seconds), str(GRACE_SECONDS)]


def _run(command: list[str]) -> tuple[str, float]:
    """Run to the end; return the last line of output, and the processor seconds taken."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)  # unlike wait(), says what the child used
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise GeneratorError(output)
    return output.strip().rpartition("\n")[2], usage.ru_utime + usage.ru_stime
