"""A programme of one's own: from its file into the ledger, and to a redemption today."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from api.client import Device
from api.rules import RulesBody
from ledger import presets
from ledger.facts import Rules
from ledger.postgres import open_database
from ledger.settings import Settings
from ledger.values.clock import local_day, real_now
from scripts.authoring.example import example_file
from scripts.authoring.reading import read_programme
from scripts.common.ending import CommandError
from scripts.service.serving import serving
from scripts.stock.printing import read_print
from tests.scripts.conftest import FAST, VENUE, free_port
from tests.scripts.running import Souche

TODAY = local_day(real_now(), "Europe/Paris")
YEAR = str(TODAY.year)
RULES = """
[rules.1]
sizes = [5]
face_value_cents = 1000
millesimes = [{year}]
"""
SMALL = """
[programme]
id = "{id}"
name = "Petit programme"
[funders.departement]
share = 1
"""


@pytest.fixture(scope="module")
def own(new_empty: Callable[[], Path]) -> Iterator[Souche]:
    """A ledger of one's own, which no demo moved in time."""
    souche = Souche(new_empty())
    with open_database(souche.data, settings=FAST):
        souche.do("init")
        yield souche


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes a programme's file, and gives its path."""

    def write(text: str, **values: object) -> str:
        path = tmp_path / "mine.toml"
        path.write_text(text.format(**values) if values else text)
        return str(path)

    return write


def refuse(path: str) -> list[str]:
    """What is wrong with a file, a line a key."""
    with pytest.raises(CommandError) as told:
        read_programme(Path(path))
    return [line.strip() for line in told.value.message.splitlines()[1:]]


def test_the_example_names_every_rule_and_shows_its_default(write: Callable[..., str]) -> None:
    """With every comment that holds a key made a key, nothing but the defaults is added."""
    text = example_file(2031)
    full = re.sub(
        r"^# (\w+ = (?!20|\"REGION|.*99|\"12-31|\"Côte).*)$", r"\1", text, flags=re.MULTILINE
    )

    plain = read_programme(Path(write(text))).versions[1]
    told = read_programme(Path(write(full))).versions[1]

    assert told == plain
    assert plain.rules.millesimes == (2031,)
    for name in (*RulesBody.model_fields, *msgspec.structs.asdict(plain.rules.entitlements[0])):
        assert name == "category" or re.search(
            rf"^(# )?{name} = |\.{name}\.", text, re.MULTILINE
        ), name


@pytest.mark.slow
def test_a_programme_of_this_year_redeems_today(own: Souche, tmp_path: Path) -> None:
    mine, prints = tmp_path / "mine.toml", tmp_path / "first.jsonl"
    mine.write_text(own.do("programme", "example"))
    own.do("programme", "open", str(mine))
    own.do("programme", "rules", "PASS", str(mine))
    own.do("programme", "fund", "PASS", YEAR, "cash", "VIR-1", "departement=60", "etat=40")
    own.do("holder", "register", "mairie", "Mairie")
    carnets = ("--millesime", YEAR, "--carnets", "1", "--size", "10", "--holder", "mairie")
    said = own.run("order", "create", "PASS", "first", *carnets)
    own.do("order", "issue", "PASS", "first", "--to", str(prints))
    own.do("order", "activate", "PASS", "first")
    own.do("order", "assign", "PASS", "first", "--holder", "mairie")
    own.do("venue", "register", VENUE, "Médiathèque", "--region", "27", "--department", "21")
    own.do("venue", "qualify", VENUE, "--from", f"{YEAR}-01-01", "--authority", "Préfet")
    ((first, *_),) = read_print(prints).values()

    nobody = own.run("terminal", "invite", VENUE, "--json", SOUCHE_PORT="9000")
    with serving(Settings(data=own.data, port=free_port())) as authority:
        invited = own.look("terminal", "invite", VENUE)
        with closing(Device.make(tmp_path / "till", f"http://{authority}")) as device:
            device.enrol(invited["invitation"])
            receipt = device.redeem([first])

    assert said.err == ""
    assert "No service runs" in nobody.err
    assert "the invitation is for 127.0.0.1:9000" in nobody.err
    assert invited["qr"].startswith(f"souche:{authority}/")
    assert receipt["amount_cents"] == 1000
    assert own.look("payouts", "list")[0]["owed_cents"] == 1000


def test_opening_and_publishing_again_change_nothing(
    own: Souche, write: Callable[..., str]
) -> None:
    path = write(SMALL + RULES, id="TWCE", year=YEAR)
    for words in (("programme", "open", path), ("programme", "rules", "twce", path)):
        own.do(*words)
        events = own.look("status")["events"]

        assert "already, as the file says" in own.do(*words)
        assert own.look("status")["events"] == events

    assert "rules are next" not in own.do("programme", "open", path)


def test_what_is_open_or_published_stays(own: Souche, write: Callable[..., str]) -> None:
    path = write(SMALL + RULES, id="STAYS", year=YEAR)
    own.do("programme", "open", path)
    own.do("programme", "rules", "STAYS", path)

    renamed = write((SMALL + RULES).replace("Petit", "Grand"), id="STAYS", year=YEAR)
    assert "programme.name differs" in own.refuse("programme", "open", renamed)
    assert "programme.name differs" in own.refuse("programme", "rules", "STAYS", renamed)
    dearer = write((SMALL + RULES).replace("1000", "2000"), id="STAYS", year=YEAR)
    told = own.refuse("programme", "rules", "STAYS", dearer)
    assert "rules.1.face_value_cents differs: 1000 there, 2000 here" in told
    assert "next version" in told


def test_a_closed_programme_is_not_called_open(own: Souche, write: Callable[..., str]) -> None:
    path = write(SMALL + RULES, id="CZ", year=YEAR)
    own.do("programme", "open", path)
    own.do("programme", "close", "CZ", "--yes")

    for name in ("Petit", "Grand"):  # that the file differs is of no interest any more
        path = write((SMALL + RULES).replace("Petit", name), id="CZ", year=YEAR)
        assert "CZ is closed" in own.refuse("programme", "open", path)
        assert "CZ is closed" in own.refuse("programme", "rules", "CZ", path)


def test_the_next_version_can_stand_alone_and_is_shown(
    own: Souche, write: Callable[..., str]
) -> None:
    path = write(SMALL + RULES, id="NEXT", year=YEAR)
    own.do("programme", "open", path)
    own.do("programme", "rules", "NEXT", path)

    second = (SMALL + RULES).replace("rules.1", "rules.2").replace("[5]", "[5, 10]")
    own.do("programme", "rules", "NEXT", write(second, id="NEXT", year=YEAR))

    versions = own.look("programme", "rules", "next")
    assert [each["rule_version"] for each in versions] == [1, 2]
    assert [each["rules"]["sizes"] for each in versions] == [[5], [5, 10]]
    assert "5, 10" in own.do("programme", "rules", "NEXT")


def test_rules_that_ask_for_more_leave_what_is_in_circulation(
    own: Souche, write: Callable[..., str], tmp_path: Path
) -> None:
    first = SMALL + RULES + 'activation_requires = "commitment"\n'
    path = write(first, id="STAGE", year=YEAR)
    own.do("programme", "open", path)
    own.do("programme", "rules", "STAGE", path)
    own.do("holder", "register", "stage", "Stage")
    own.do("programme", "fund", "STAGE", str(YEAR), "commitment", "C-1", "departement=50")
    order = ("STAGE", "all")
    own.do(
        *("order", "create", *order, "--millesime", str(YEAR)),
        *("--carnets", "1", "--size", "5", "--holder", "stage"),
    )
    own.do("order", "issue", *order, "--to", str(tmp_path / "stage.csv"))
    own.do("order", "activate", *order)
    second = (SMALL + RULES).replace("rules.1", "rules.2")
    own.do("programme", "rules", "STAGE", write(second, id="STAGE", year=YEAR))

    assert own.do("order", "activate", *order) == "1 carnets are in circulation already.\n"


def test_rules_say_what_becomes_of_suspended_venues(own: Souche, write: Callable[..., str]) -> None:
    """E06: shown where the file says nothing of it, too."""
    path = write(SMALL + RULES, id="STRCT", year=YEAR)
    own.do("programme", "open", path)
    own.do("programme", "rules", "STRCT", path)
    second = (SMALL + RULES).replace("rules.1", "rules.2") + 'suspended_venues = "refused"\n'
    own.do("programme", "rules", "STRCT", write(second, id="STRCT", year=YEAR))

    versions = own.look("programme", "rules", "STRCT")
    shown = own.do("programme", "rules", "STRCT")

    assert [each["rules"]["suspended_venues"] for each in versions] == ["unpaid", "refused"]
    assert re.findall(r"suspended_venues\s+(\w+)", shown) == ["unpaid", "refused"]


def test_a_version_waits_for_its_day(own: Souche, write: Callable[..., str]) -> None:
    late = RULES + f"in_force_from = {TODAY + timedelta(days=2)}\n"
    path = write(SMALL + late, id="WATS", year=YEAR)
    own.do("programme", "open", path)

    assert "waits for" in own.do("programme", "rules", "WATS", path)
    assert own.look("programme", "rules", "WATS") == []


def test_the_file_of_another_programme_is_refused(own: Souche, write: Callable[..., str]) -> None:
    path = write(SMALL + RULES, id="MYNE", year=YEAR)

    assert "not of THERS" in own.refuse("programme", "rules", "THERS", path)


def test_rules_of_a_programme_that_is_not_open_tell_to_open_it(
    own: Souche, write: Callable[..., str]
) -> None:
    path = write(SMALL + RULES, id="MYNE", year=YEAR)

    told = own.refuse("programme", "rules", "MYNE", path)
    assert "programme-unknown" in told
    assert f"First: souche programme open {path}\n" in told
    assert "There is no programme MYNE" in own.refuse("programme", "rules", "MYNE")


def test_a_parent_that_cannot_be_one_is_told_with_what_to_do(
    own: Souche, write: Callable[..., str]
) -> None:
    def child(programme: str, parent: str) -> str:
        named = SMALL.replace("[funders", f'parent = "{parent}"\n[funders')
        return write(named, id=programme)

    unopened = own.refuse("programme", "open", child("DEPT", "REG"))
    own.do("programme", "open", write(SMALL, id="REG"))
    own.do("programme", "open", child("DEPT", "REG"))
    grandchild = own.refuse("programme", "open", child("TWN", "DEPT"))

    assert "There is no programme REG: open the parent first, `souche programme open" in unopened
    assert "DEPT draws on REG itself" in grandchild
    assert "Name REG as the parent, or none." in grandchild


@pytest.mark.parametrize("name", presets.names())
def test_a_copy_of_a_preset_says_what_the_preset_does(name: str) -> None:
    """But for what all presets share: there, the service has its own defaults."""
    preset = presets.load(name)

    copied = read_programme(Path(str(presets.DATA / f"{name.lower()}.toml")))

    assert copied.opened.shares == preset.shares
    assert copied.opened.cap_tickets == preset.cap_tickets
    assert [each.rules for each in copied.versions.values()] == list(preset.rules)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"PASS"', '"PILOT"', "programme.id: 'PILOT' is not 2 to 8 digits and capital letters"),
        ("10_000", "0", "programme.cap_tickets: has to be at least 1, and is 0"),
        ('"Pass numérique 2031"', '""', "programme.name: String should have at least 1 character"),
        ("share = 60", "share = 0.6", "funders.departement.share: Input should be a valid integer"),
        ("funders.etat", "funders.'É'", "funders.É: 'É' is not 1 to 40 letters"),
        ("[5, 10]", "[5, 100]", "rules.1.sizes.1: has to be at most 99, and is 100"),
        ("face_value_cents = 1000", "", "rules.1.face_value_cents: is missing"),
        ("sizes", "colour = 1\nsizes", "rules.1.colour: unknown key"),
        ('# last_day = "01-31"', 'last_day = "31/01"', "rules.1.last_day: '31/01' is not a day"),
        ("min_age = 18", "min_age = 200", "rules.1.entitlements.adults.min_age: has to be at most"),
        (
            '# suspended_venues = "unpaid"',
            'suspended_venues = "paid"',
            "rules.1.suspended_venues: ",
        ),
        ("[rules.1]", "[rules.first]", "rules: versions are numbered in order"),
        ('"national" }', '"regions" }', "rules.1.acceptance: codes go with every kind"),
    ],
)
def test_an_error_names_the_key_and_the_limit(
    write: Callable[..., str], old: str, new: str, told: str
) -> None:
    text = example_file(2031)
    assert old in text

    assert any(line.startswith(told) for line in refuse(write(text.replace(old, new))))


def test_a_file_that_cannot_be_used_is_a_usage_error(
    souche_nowhere: Souche, write: Callable[..., str]
) -> None:
    said = souche_nowhere.run("programme", "open", write(SMALL.replace("share", "part"), id="PASS"))
    no_toml = souche_nowhere.run("programme", "open", write("not toml"))

    assert said.code == 2
    assert "funders.departement.share: is missing" in said.err
    assert "funders.departement.part: unknown key" in said.err
    assert "`souche programme example`" in said.err
    assert "mine.toml: not TOML" in no_toml.err
    assert souche_nowhere.run("programme", "open", "nowhere.toml").code == 2


def test_an_order_of_a_millesime_that_is_over_warns(own: Souche) -> None:
    own.do("programme", "preset", "bfc22", "--open")
    own.do("holder", "register", "region", "Région")
    carnets = ("--millesime", "2022", "--carnets", "1", "--size", "5", "--holder", "region")

    ordered = own.run("order", "create", "BFC22", "late", *carnets)
    assigned = own.run("order", "assign", "BFC22", "late", "--holder", "region")

    assert ordered.code == 0
    for said in (ordered, assigned):
        assert "Millésime 2022 of BFC22 expired: its last day was 2023-01-31" in said.err
        assert f"publish rules that offer {YEAR}" in said.err


def test_an_order_after_the_distribution_warns(own: Souche, write: Callable[..., str]) -> None:
    """A millésime of two years, so that its tickets are good whenever this test runs."""
    last_year = str(TODAY.year - 1)
    rules = RULES + 'last_day = "12-31"\ndistribution_last_day = "12-31"\n'
    path = write(SMALL + rules, id="DSTRB", year=last_year)
    own.do("programme", "open", path)
    own.do("programme", "rules", "DSTRB", path)
    own.do("holder", "register", "stock", "Réserve")
    carnets = ("--millesime", last_year, "--carnets", "1", "--size", "5", "--holder", "stock")

    said = own.run("order", "create", "DSTRB", "late", *carnets)

    assert said.code == 0
    assert f"was handed out until {last_year}-12-31" in said.err


def test_the_rules_of_a_file_are_the_ledgers(write: Callable[..., str]) -> None:
    found = read_programme(Path(write(SMALL + RULES, id="PASS", year=YEAR)))

    expected = Rules(sizes=(5,), face_value_cents=1000, millesimes=(TODAY.year,))  # type: ignore[arg-type]  # Cents
    assert found.versions[1].rules == expected
