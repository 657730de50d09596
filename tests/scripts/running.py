"""Commands as people type them, and what they said."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from scripts.cli import app

ROOT = Path(__file__).parents[2]
LEAVING = 60  # seconds, on a machine under load


@dataclass(frozen=True)
class Said:
    """A command's end."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Souche:
    """The command line on one data folder."""

    data: Path

    def run(self, *words: str, **environment: str) -> Said:
        """Run a command in this process."""
        env = {"SOUCHE_DATA": str(self.data), "NO_COLOR": "1", **environment}
        result = CliRunner().invoke(app, list(words), env=env, prog_name="souche")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def do(self, *words: str, **environment: str) -> str:
        """Run a command that has to succeed; what it printed."""
        said = self.run(*words, **environment)
        assert said.code == 0, said
        return said.out

    def refuse(self, *words: str, **environment: str) -> str:
        """Run a command that has to be refused; what it said to people."""
        said = self.run(*words, **environment)
        assert said.code == 1, said
        return said.err

    def look(self, *words: str) -> Any:  # noqa: ANN401 (JSON)
        """Run a read, with --json."""
        return json.loads(self.do(*words, "--json"))

    @contextmanager
    def started(self, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command in a process of its own. See `ended`."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "scripts.cli", *words],
            env={**clean(), "SOUCHE_DATA": str(self.data), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with ended(process):
            yield process


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """The process ends with the block, however that ends, and its pipes are closed."""
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=LEAVING)


def clean() -> dict[str, str]:
    """The environment without anybody's settings of Souche."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOUCHE_")}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
