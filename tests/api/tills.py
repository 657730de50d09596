"""Both clients as people type them: a command line, and the folder of a device."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from api import client
from tests.api.ledgers import AUTHORITY
from tests.api.lossy_proxy import Proxy
from tests.api.test_vectors import SCRIPT, needs_curl, needs_openssl

ROOT = Path(client.__file__).parents[1]
REDEEM, BATCH = "/v1/redemptions", "/v1/redemptions/batch"

Run = Callable[[list[str], str, str], tuple[int, str, str]]


def run_python(words: list[str], given: str, patience: str) -> tuple[int, str, str]:
    """`python -m api.client`, in this process: starting another takes longer than the work."""
    said, told = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(told):
        patch.setattr(sys, "stdin", StringIO(given))
        patch.setenv("SOUCHE_PATIENCE", patience)
        left = client.main(words)
    return left, said.getvalue(), told.getvalue()


def run_sh(words: list[str], given: str, patience: str) -> tuple[int, str, str]:
    return run_program(["sh", str(SCRIPT), *words], given, patience)


def run_program(words: list[str], given: str, patience: str) -> tuple[int, str, str]:
    done = subprocess.run(
        words,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "SOUCHE_PATIENCE": patience},
    )
    return done.returncode, done.stdout, done.stderr


@dataclass
class Till:
    """A client's command line, and the folder of a device."""

    run_words: Run
    folder: Path
    told: str = ""

    def run(self, *words: str, left: int = 0, given: str = "", patience: int = 30) -> Any:  # noqa: ANN401  # JSON
        """What a command prints, read as JSON where it is."""
        found, said, self.told = self.run_words([str(self.folder), *words], given, str(patience))
        assert found == left, said + self.told
        try:
            return json.loads(said)
        except ValueError:
            return said.strip()

    @property
    def pending(self) -> list[Path]:
        return sorted((self.folder / "pending").iterdir())

    @property
    def sequence(self) -> int:
        return int((self.folder / "sequence").read_text())


CLIENTS = [
    pytest.param(run_python, id="python"),
    pytest.param(run_sh, id="sh", marks=[needs_openssl, needs_curl]),
]


def made(till: Till, proxy: Proxy, *algorithm: str) -> Till:
    """A new device that reaches the service by the proxy."""
    till.run("make", proxy.url, *algorithm)
    (till.folder / "authority").write_text(AUTHORITY)
    return till
