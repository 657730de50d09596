"""Golden files: the stored bytes of one example of every tag.

`python -m tests.golden --write` writes them anew, which the changelog then has to say. After the
first tagged release nobody may: what means something else gets another tag, and these bytes stay.
"""

import sys
from pathlib import Path

from ledger.facts.codec import encode
from tests.builders.examples import EXAMPLES

FOLDER = Path(__file__).parent


def golden_files() -> dict[str, bytes]:
    """The files as they should be: a tag's bytes, without a newline at the end."""
    return {f"{tag}.json": encode(event) for tag, event in EXAMPLES.items()}


def main(arguments: list[str]) -> int:
    expected = golden_files()
    found = {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}
    if arguments == ["--write"]:
        for stale in found.keys() - expected.keys():
            (FOLDER / stale).unlink()
        for name, state in expected.items():
            (FOLDER / name).write_bytes(state)
        return 0
    changed = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    sys.stdout.writelines(f"{name}\n" for name in changed)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
