"""No package escapes the contracts on imports."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_has_a_layer() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    packages = {each.parent.name for each in ROOT.glob("*/__init__.py")}
    layers = {name.strip() for layer in told["contracts"][0]["layers"] for name in layer.split("|")}

    assert packages == set(told["root_packages"]) == layers
    assert all(
        packages == set(each["ancestors"])
        for each in told["contracts"]
        if each["type"] == "acyclic_siblings"
    )
