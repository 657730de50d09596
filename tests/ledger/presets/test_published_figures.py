"""What the articles say, and what a preset makes of it."""

import pytest

from ledger import presets
from ledger.facts import AcceptanceArea, Entitlement
from ledger.values.money import allocate

EURO = 100
NAMES = ("AV12", "BFC22", "CA62", "HDF22", "HDFY22", "NAT19")


def test_the_five_articles_tell_of_six_programmes() -> None:
    assert presets.names() == NAMES

    cited = {source for name in NAMES for source in presets.cited(presets.load(name))}
    assert {source.outlet for source in cited} == {
        "ARNia, mission régionale MedNum BFC",
        "Département de l’Aveyron",
        "Horizon",
        "ICI LCL 01",
        "Régions de France",
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_value_says_where_it_is_from(name: str) -> None:
    preset = presets.load(name)

    assert preset.values.keys() == preset.provenance.keys()
    for path, origin in preset.provenance.items():
        assert (origin.source is None) is not (origin.assumed is None), path
    for line in presets.explain(preset):
        assert line.value, line
        assert line.because, line


@pytest.mark.parametrize("name", NAMES)
def test_every_ticket_is_worth_ten_euros(name: str) -> None:
    """R01."""
    assert {rules.face_value_cents for rules in presets.load(name).rules} <= {10 * EURO}


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("AV12", [(10,)]),
        ("BFC22", [(5,)]),
        ("CA62", [(10,), (5,)]),
        ("HDF22", [(5, 10)]),
        ("HDFY22", []),
        ("NAT19", [(10,)]),
    ],
)
def test_carnets_have_five_tickets_or_ten(name: str, sizes: list[tuple[int, ...]]) -> None:
    """R02."""
    assert [rules.sizes for rules in presets.load(name).rules] == sizes


def test_passes_are_tickets_and_not_carnets() -> None:
    """R03: 9 000 carnets of five are 45 000 tickets, which are 450 000 €."""
    bfc = presets.load("BFC22")

    assert bfc.volumes.carnets == 9_000
    assert bfc.cap_tickets == bfc.volumes.tickets == 9_000 * 5 == 45_000
    assert bfc.budget.face_cents == 45_000 * 10 * EURO == 450_000 * EURO


def test_caps() -> None:
    """R20."""
    hdf, lycees = presets.load("HDF22"), presets.load("HDFY22")

    assert (hdf.cap_tickets, hdf.budget.face_cents) == (66_000, 660_000 * EURO)
    assert (lycees.cap_tickets, lycees.budget.face_cents) == (4_000, 40_000 * EURO)
    assert lycees.parent == "HDF22"
    assert hdf.provenance["programme.cap_tickets"].source is None  # "more than": a floor
    assert lycees.provenance["programme.parent"].source is None
    assert lycees.provenance["programme.cap_tickets"].source is not None


def test_aveyron_has_three_funders_and_keeps_fees_apart() -> None:
    """R21 and R22."""
    aveyron = presets.load("AV12")
    paid = {funder: facts.contribution_cents for funder, facts in aveyron.funders.items()}

    assert paid == {
        "departement-12": 300_000 * EURO,
        "epci-12": 136_620 * EURO,
        "etat": 628_300 * EURO,
    }
    assert sum(cents for cents in paid.values() if cents) == 1_064_920 * EURO
    assert aveyron.budget.total_cents == 1_064_920 * EURO
    assert aveyron.volumes.people == 9_000
    assert aveyron.budget.face_cents == 9_000 * 100 * EURO
    assert aveyron.budget.fees_cents == 164_920 * EURO
    assert aveyron.provenance["budget.fees_cents"].assumed
    assert sum(allocate(900_000 * EURO, aveyron.shares).values()) == 900_000 * EURO


def test_aveyron_has_a_millesime_a_year() -> None:
    """R15 and R30."""
    [rules] = presets.load("AV12").rules

    assert rules.millesimes == (2020, 2021, 2022)
    assert (rules.first_day, rules.last_day) == ("01-01", "01-31")


def test_hauts_de_france_gives_ten_or_five_and_five() -> None:
    """R10 to R12. No one gets more than ten."""
    [rules] = presets.load("HDF22").rules
    given = {e.category: (e.tickets, e.supplement_tickets) for e in rules.entitlements}
    ages = {e.category: (e.min_age, e.max_age) for e in rules.entitlements}
    certificates = ("internship-certificate", "mission-locale-certificate")

    for people in ("job-seeker", "youth", "senior"):
        assert given[f"{people}-prescribed"] == (10, 0)
        assert given[f"{people}-autonomous"] == (5, 5)
    assert ages["job-seeker-prescribed"] == (None, None)
    assert ages["youth-autonomous"] == (18, 25)
    assert ages["senior-prescribed"] == (60, None)
    assert {e.evidence for e in rules.entitlements if "youth" in e.category} == {certificates}


def test_bourgogne_franche_comte_is_for_the_young() -> None:
    """R06 and R13."""
    [rules] = presets.load("BFC22").rules

    assert rules.entitlements == (Entitlement("youth", 5, min_age=16, max_age=25),)
    assert not rules.surcharge_allowed


def test_lens_lievin_asks_for_residence_and_an_assessment() -> None:
    """R14."""
    preset = presets.load("CA62")

    assert preset.territory.communes == 36
    for rules, tickets in zip(preset.rules, (10, 5), strict=True):
        [resident] = rules.entitlements
        assert resident.tickets == tickets
        assert resident.residence == "epci:246200364"
        assert resident.evidence == ("autonomy-assessment",)


def test_the_national_launch_puts_names_on_carnets() -> None:
    """R04 and R05."""
    [rules] = presets.load("NAT19").rules

    assert rules.nominative
    assert rules.max_tickets_per_claim == 2
    assert [name for name in NAMES if any(r.nominative for r in presets.load(name).rules)] == [
        "NAT19"
    ]


def test_the_national_volume_is_assumed_and_names_both_figures() -> None:
    """R23."""
    national = presets.load("NAT19")

    for path in ("programme.cap_tickets", "volumes.tickets"):
        why = national.provenance[path].assumed or ""
        assert "2 000 000" in why
        assert "1 000 000" in why or "Announced" in why


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("AV12", AcceptanceArea("departments", ("12",))),
        ("BFC22", AcceptanceArea("regions", ("27",))),
        ("CA62", AcceptanceArea("departments", ("62",))),
        ("HDF22", AcceptanceArea("regions", ("32",))),
        ("NAT19", AcceptanceArea("national")),
    ],
)
def test_the_acceptance_area_is_assumed(name: str, area: AcceptanceArea) -> None:
    """R42: no article settles it."""
    preset = presets.load(name)

    assert {rules.acceptance for rules in preset.rules} == {area}
    assert preset.provenance["rules.1.acceptance"].assumed


def test_a_table_shows_values_as_people_read_them() -> None:
    lines = {line.path: line for line in presets.explain(presets.load("bfc22"))}

    assert lines["budget.face_cents"].value == "450,000.00 €"
    assert lines["rules.1.acceptance"].value == "regions 27"
    assert lines["rules.1.millesimes"].value == "2022, 2023"
    assert lines["rules.1.nominative"].value == "no"
    assert lines["programme.parent"].value == "none"
    assert lines["volumes.carnets"].value == "9000"
    cap = lines["programme.cap_tickets"]
    assert (cap.value, cap.basis) == ("45,000", "source")
    assert cap.because.startswith("ARNia, mission régionale MedNum BFC, undated. ")
    assert lines["funders.anct.share"].basis == "assumed"


def test_articles_are_cited_by_outlet_date_title_and_author() -> None:
    [article] = presets.cited(presets.load("CA62"))

    assert article.short == "Horizon, 2022-01-10"
    assert article.citation.startswith("Horizon, 2022-01-10: Lensois : un pass numérique")
    assert article.citation.endswith("(Géraud Lefebvre)")
