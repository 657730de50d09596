"""What people are shown: a table where its words fit, else lines."""

import pytest

from scripts.common.showing import console, print_table

TITLES = ["Venue", ">Owed"]
ROWS = [["Médiathèque de Montsauvy", "29,960.00 €"], ["Fablab de Pontarvel", "[10].00 €"]]


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int:
    """A terminal of so many columns."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    console.cache_clear()
    return int(request.param)


@pytest.mark.parametrize("width", [40], indirect=True)
def test_words_wrap_and_numbers_do_not(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Payouts", TITLES, ROWS)
    console.cache_clear()

    told = capsys.readouterr().out
    assert "─" in told
    assert max(map(len, told.splitlines())) <= width
    for word in ("Médiathèque", "Montsauvy", "29,960.00 €", "[10].00 €"):
        assert word in told


@pytest.mark.parametrize("width", [22], indirect=True)
def test_what_does_not_fit_stands_in_lines(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Payouts", TITLES, ROWS)
    console.cache_clear()

    told = capsys.readouterr().out
    assert "─" not in told
    assert "  Venue  Médiathèque de Montsauvy\n  Owed   29,960.00 €\n" in told
    assert "  Owed   [10].00 €\n" in told
