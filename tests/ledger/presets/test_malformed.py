"""A file that can't be used says so, with its name and the key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import presets
from ledger.presets import PresetError

Break = Callable[[str, str, str], PresetError]

SIZES = 'sizes = { value = [5], source = "bfc" }'


@pytest.fixture
def broken(tmp_path: Path) -> Break:
    """Copy the files, replace a text in one of them, and give the error of loading BFC22."""

    def change(file: str, old: str, new: str) -> PresetError:
        for original in presets.DATA.iterdir():
            text = original.read_text(encoding="utf-8")
            if original.name == file:
                assert old in text
                text = text.replace(old, new, 1)
            (tmp_path / original.name).write_text(text, encoding="utf-8")
        with pytest.raises(PresetError) as caught:
            presets.load("BFC22", tmp_path)
        return caught.value

    return change


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        (SIZES, "sizes = [5]", "rules.1.sizes", "`source` or `assumed`"),
        (SIZES, "sizes = { value = [5] }", "rules.1.sizes", "where is the value from?"),
        (
            SIZES,
            'sizes = { value = [5], source = "bfc", assumed = "Both." }',
            "rules.1.sizes",
            "either `source` or `assumed`",
        ),
        (SIZES, 'sizes = { source = "bfc" }', "rules.1.sizes", "either `value` or `none = true`"),
        (
            SIZES,
            'sizes = { value = [5], none = true, source = "bfc" }',
            "rules.1.sizes",
            "either `value` or `none = true`",
        ),
        (SIZES, 'sizes = { value = [5], assumed = "" }', "rules.1.sizes", "length >= 1"),
        (
            SIZES,
            'sizes = { value = [5], assumed = "So.", note = "No." }',
            "rules.1.sizes",
            "`note` tells how a source was read",
        ),
        (
            SIZES,
            'sizes = { value = [5], source = "bfc", soruce = "bfc" }',
            "rules.1.sizes.soruce",
            "unknown key; known: assumed, none, note, source, value",
        ),
        (
            SIZES,
            'sizes = { value = [5], source = "hearsay" }',
            "rules.1.sizes",
            "unknown source 'hearsay'; known: aveyron, bfc, call, hdf, lcl",
        ),
        (SIZES, 'sizes = { value = ["5"], source = "bfc" }', "rules.1.sizes", "Expected `int`"),
        (SIZES, 'sizes = { value = [5.0], source = "bfc" }', "rules.1.sizes", "Expected `int`"),
        (SIZES, 'sizes = { value = 5, source = "bfc" }', "rules.1.sizes", "Expected `array`"),
        (SIZES, 'sizes = { none = true, source = "bfc" }', "rules.1.sizes", "got `null`"),
        (SIZES, 'sizes = { value = [], source = "bfc" }', "rules.1.sizes", "from 1 to 99"),
        (SIZES, 'sizes = { value = [100], source = "bfc" }', "rules.1.sizes", "from 1 to 99"),
        (SIZES, 'sizes = { value = [10], source = "bfc" }', "volumes.tickets", "make 90000"),
        (SIZES, "", "rules.1.sizes", "is missing"),
        (SIZES, f"{SIZES}\nsize = 5", "rules.1.size", "unknown key"),
        ("[rules.1]", "[rules.2]", "rules.2", "here 1 is due"),
        ("[rules.1]", "[rules]\nx = 1\n[rules.1]", "rules.x", "must be a table"),
        ("[budget]", "[budgets]", "budgets", "unknown key"),
        ("[network]", "[network.x]", "network.x", "unknown key"),
        ("[programme]", "[programme", "", "not TOML"),
        ('value = "BFC22"', 'value = "BFC23"', "programme.id", "not the name of the file"),
        ("[funders.anct]", "[funders.'A N']", "funders.A N", "no identifier"),
        (
            "share = { value = 1, assumed",
            "share = { value = 0, assumed",
            "funders.region-bfc.share",
            "positive",
        ),
        (
            "value = 570_000_00",
            "value = 580_000_00",
            "budget.total_cents",
            "is 58000000, and the other figures make 57000000",
        ),
        ("value = 450_000_00", "value = 1_00", "budget.total_cents", "make 12000100"),
        ("value = 1000", "value = 0", "rules.1.face_value_cents", "positive"),
        (
            SIZES,
            f'{SIZES}\nmax_tickets_per_claim = {{ value = 11, assumed = "Many." }}',
            "rules.1.max_tickets_per_claim",
            "from 1 to 10",
        ),
        ("value = [2022, 2023]", "value = []", "rules.1.millesimes", "at least one"),
        ('kind = "regions"', 'kind = "national"', "rules.1.acceptance", "but national"),
        ('kind = "regions"', 'kind = "oceans"', "rules.1.acceptance", "Invalid enum value"),
        ('codes = ["27"]', 'code = ["27"]', "rules.1.acceptance.code", "unknown key"),
        (
            "[rules.1.entitlements.youth]",
            "[rules.1.entitlements.youth]\ncategory = 1",
            "rules.1.entitlements.youth.category",
            "unknown key",
        ),
    ],
)
def test_a_malformed_preset(broken: Break, old: str, new: str, key: str, problem: str) -> None:
    error = broken("bfc22.toml", old, new)

    assert (error.file, error.key) == ("bfc22.toml", key)
    assert problem in str(error)
    assert str(error).startswith(f"bfc22.toml: {key}".removesuffix(": "))


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ('"Europe/Paris"', '"Europe/Lutetia"', "programme.zone", "unknown zone"),
        ('"Europe/Paris"', '"Europe"', "programme.zone", "unknown zone"),
        ('"01-31"', '"02-30"', "rules.1.last_day", "no days of 2022"),
        ("value = 30", "value = -1", "rules.1.void_minutes", "negative"),
        ('"cash"', '"promise"', "rules.activation_requires", "Invalid enum value"),
        ("services =", "service =", "rules.service", "unknown key"),
        ("[rules]", "[rule]", "rule", "unknown key"),
        ("outlet = ", "outlets = ", "sources.hdf.outlets", "unknown key"),
    ],
)
def test_a_malformed_shared_file(broken: Break, old: str, new: str, key: str, problem: str) -> None:
    error = broken("shared.toml", old, new)

    assert (error.file, error.key) == ("shared.toml", key)
    assert problem in str(error)


def test_a_default_that_is_gone_is_asked_for(broken: Break) -> None:
    """Nothing that a decision relies on takes its value from the code."""
    error = broken("shared.toml", 'nominative = { value = false, assumed = "The article does', "#")

    assert (error.file, error.key) == ("bfc22.toml", "rules.1.nominative")


def test_a_parent_has_to_be_a_preset(tmp_path: Path) -> None:
    for original in presets.DATA.iterdir():
        if original.name != "hdf22.toml":
            (tmp_path / original.name).write_bytes(original.read_bytes())

    with pytest.raises(PresetError, match=r"hdfy22\.toml: programme\.parent: no preset 'HDF22'"):
        presets.load("HDFY22", tmp_path)


def test_versions_come_into_force_one_after_the_other(tmp_path: Path) -> None:
    for original in presets.DATA.iterdir():
        text = original.read_text(encoding="utf-8").replace(
            "value = 2021-01-01", "value = 2022-01-01"
        )
        (tmp_path / original.name).write_text(text, encoding="utf-8")

    with pytest.raises(PresetError, match=r"ca62\.toml: rules\.2\.in_force_from: must come after"):
        presets.load("CA62", tmp_path)


@pytest.mark.parametrize("name", ["SHARED", "bfc", "../ca62", ""])
def test_an_unknown_name_is_told_the_known_ones(name: str) -> None:
    with pytest.raises(presets.UnknownPresetError, match="known: AV12, BFC22, CA62"):
        presets.load(name)
