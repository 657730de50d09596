"""What is stored stays readable, byte by byte."""

import pytest

from ledger.facts.codec import FACTS, decode, encode
from tests.builders.examples import EXAMPLES
from tests.golden.__main__ import FOLDER, golden_files, main


def test_every_tag_has_an_example_and_a_golden_file_and_no_other_has() -> None:
    files = {path.name.removesuffix(".json") for path in FOLDER.glob("*.json")}

    assert EXAMPLES.keys() == FACTS.keys() == files


@pytest.mark.parametrize("tag", sorted(FACTS))
def test_the_bytes_are_what_they_were(tag: str) -> None:
    """Red? A stored fact has changed its meaning: give the new one a new tag.

    Before the first tagged release, `python -m tests.golden --write` and a line in the changelog.
    """
    stored = (FOLDER / f"{tag}.json").read_bytes()

    assert encode(EXAMPLES[tag]) == stored
    assert decode(stored) == EXAMPLES[tag]


def test_the_script_finds_nothing_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == ""
    assert len(golden_files()) == len(FACTS)
