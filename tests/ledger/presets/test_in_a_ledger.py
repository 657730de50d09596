"""What the decisions make of the presets."""

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from ledger import presets
from ledger.decisions.programmes import OpenProgramme, PublishRules
from ledger.facts import CarnetsOrdered, ProgrammeOpened, RulesPublished
from ledger.values.ids import ProgrammeId
from ledger.values.reasons import Reason, Refusal
from tests.ledger.presets.small_ledger import ACTOR, SmallLedger

SECOND_BEFORE = datetime(2022, 1, 31, 22, 59, 59, tzinfo=UTC)  # 23:59:59 in Paris
MIDNIGHT = datetime(2022, 1, 31, 23, 0, 0, tzinfo=UTC)  # 1 February in Paris


@pytest.fixture
def ledger() -> SmallLedger:
    return SmallLedger()


@pytest.mark.parametrize("name", presets.names())
def test_the_commands_of_a_preset_are_accepted_in_order(ledger: SmallLedger, name: str) -> None:
    facts = [ledger.accept(command) for command in presets.commands(name, ACTOR)]

    preset = presets.load(name)
    entry = ledger.reference.programmes[preset.programme]
    assert entry.rules == preset.rules
    assert entry.opened == ProgrammeOpened(
        programme=preset.programme,
        name=preset.name,
        zone="Europe/Paris",
        cap_tickets=preset.cap_tickets,
        shares=preset.shares,
        parent=preset.parent,
    )
    assert {type(fact) for fact in facts} <= {ProgrammeOpened, RulesPublished}


def test_all_presets_live_in_one_ledger(ledger: SmallLedger) -> None:
    for name in presets.names():
        ledger.open(name)

    assert sorted(ledger.reference.programmes) == list(presets.names())


@pytest.mark.parametrize("name", presets.names())
def test_the_same_commands_come_again_with_the_same_ids(name: str) -> None:
    """So a second run repeats the first; another actor's is another request."""
    first = list(presets.commands(name, ACTOR))

    assert list(presets.commands(name.lower(), ACTOR)) == first
    ids = {command.command_id for command in first}
    assert len(ids) == len(first)
    assert ids.isdisjoint(c.command_id for c in presets.commands(name, "operator:other"))


def test_the_envelope_comes_before_what_draws_on_it() -> None:
    commands = list(presets.commands("HDFY22", ACTOR))

    assert commands[:2] == list(presets.commands("HDF22", ACTOR))
    assert [type(c) for c in commands] == [OpenProgramme, PublishRules, OpenProgramme]


def test_the_lycees_order_nothing_before_rules_are_published(ledger: SmallLedger) -> None:
    """R16: a cap, and criteria left to a later vote."""
    ledger.open("HDFY22")
    order = ledger.order("HDFY22", 2022, 10, 5)

    assert ledger.decide(order) == Refusal(Reason.RULES_UNPUBLISHED)

    ledger.accept(_vote())
    assert isinstance(ledger.accept(order), CarnetsOrdered)


def test_the_lycees_stop_at_four_thousand_tickets(ledger: SmallLedger) -> None:
    """R16 and R20: a maximum."""
    ledger.open("HDFY22")
    ledger.accept(_vote())
    ledger.accept(ledger.order("HDFY22", 2022, 800, 5))

    assert _reason(ledger, "HDFY22", 2022, 1, 5) is Reason.CAP_EXCEEDED


def test_what_the_lycees_order_is_taken_from_the_regions_cap(ledger: SmallLedger) -> None:
    """R20, as we read it."""
    ledger.open("HDFY22")
    ledger.accept(_vote())
    ledger.accept(ledger.order("HDFY22", 2022, 800, 5))
    ledger.accept(ledger.order("HDF22", 2022, 6_200, 10))

    assert _reason(ledger, "HDF22", 2022, 1, 5) is Reason.CAP_EXCEEDED


def test_bourgogne_franche_comte_orders_nine_thousand_carnets(ledger: SmallLedger) -> None:
    """R03 and R20."""
    ledger.open("BFC22")
    ordered = ledger.accept(ledger.order("BFC22", 2022, 9_000, 5))

    assert isinstance(ordered, CarnetsOrdered)
    assert ordered.carnets * ordered.size == 45_000
    assert ordered.carnets * ordered.size * ordered.face_value_cents == 450_000_00
    assert _reason(ledger, "BFC22", 2022, 1, 5) is Reason.CAP_EXCEEDED
    assert _reason(ledger, "BFC22", 2022, 1, 10) is Reason.SIZE_NOT_OFFERED


def test_aveyron_orders_in_each_of_three_years(ledger: SmallLedger) -> None:
    """R15 and R30: thirteen months each, so two are valid every January."""
    ledger.open("AV12")
    orders = [ledger.accept(ledger.order("AV12", year, 3_000, 10)) for year in (2020, 2021, 2022)]

    for earlier, later in pairwise(orders):
        assert isinstance(earlier, CarnetsOrdered)
        assert isinstance(later, CarnetsOrdered)
        assert (earlier.valid_until - later.valid_from).days == 31
    assert _reason(ledger, "AV12", 2023, 1, 10) is Reason.MILLESIME_NOT_OFFERED
    assert _reason(ledger, "AV12", 2022, 1, 10) is Reason.CAP_EXCEEDED


def test_lens_lievin_offers_what_is_in_force_on_a_day(ledger: SmallLedger) -> None:
    """R25: the second version replaces the first for orders."""
    ledger.open("CA62", on=date(2020, 12, 31))
    assert _reason(ledger, "CA62", 2021, 1, 10) is Reason.RULES_UNPUBLISHED

    ledger.open("CA62", on=date(2021, 12, 31))
    assert _reason(ledger, "CA62", 2022, 1, 5) is Reason.SIZE_NOT_OFFERED
    ledger.accept(ledger.order("CA62", 2021, 1, 10))

    ledger.open("CA62", on=date(2022, 1, 1))
    assert _reason(ledger, "CA62", 2021, 1, 10) is Reason.SIZE_NOT_OFFERED
    ledger.accept(ledger.order("CA62", 2022, 1, 5))


def test_two_millesimes_are_taken_side_by_side_until_february(ledger: SmallLedger) -> None:
    """R30 to R32: tickets of 2021 end at midnight in Paris, those of 2022 live on."""
    ledger.now = datetime(2021, 11, 2, 9, tzinfo=UTC)
    ledger.open_venue(region="32", department="62")
    ledger.open("CA62", on=date(2021, 11, 2))
    old = ledger.hand_out_one("CA62", 2021, 10)
    ledger.now = datetime(2022, 1, 10, 9, tzinfo=UTC)
    ledger.open("CA62")
    new = ledger.hand_out_one("CA62", 2022, 5)

    assert (old.valid_until, new.valid_from) == (MIDNIGHT, datetime(2021, 12, 31, 23, tzinfo=UTC))
    assert new.valid_until == datetime(2023, 1, 31, 23, tzinfo=UTC)
    assert [ledger.redeem(carnet, 1, SECOND_BEFORE) for carnet in (old, new)] == [None, None]
    assert ledger.redeem(old, 2, MIDNIGHT) is Reason.CARNET_EXPIRED
    assert ledger.redeem(new, 2, MIDNIGHT) is None


def test_a_venue_outside_the_funders_territory_takes_nothing(ledger: SmallLedger) -> None:
    """R42, as we read it."""
    ledger.open_venue(region="32", department="59")
    ledger.open("CA62")
    ledger.open("HDF22")
    lens, region = ledger.hand_out_one("CA62", 2022, 5), ledger.hand_out_one("HDF22", 2022, 10)

    assert ledger.redeem(lens, 1, ledger.now) is Reason.VENUE_OUT_OF_AREA
    assert ledger.redeem(region, 1, ledger.now) is None


def _reason(
    ledger: SmallLedger, programme: str, millesime: int, carnets: int, size: int
) -> Reason | None:
    decision = ledger.decide(ledger.order(programme, millesime, carnets, size))
    return decision.reason if isinstance(decision, Refusal) else None


def _vote() -> PublishRules:
    """The later vote of the region, with carnets of five."""
    [rules] = presets.load("BFC22").rules
    return PublishRules(
        command_id="vote",
        actor=ACTOR,
        programme=ProgrammeId("HDFY22"),
        rule_version=1,
        rules=rules,
    )
