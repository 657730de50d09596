from itertools import accumulate

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from ledger.decisions.situation import Accepted
from ledger.facts import FundingCommitted, FundingOrdered, FundingReceived, TicketsActivated
from ledger.values.ids import carnet_stream, funding_stream
from ledger.values.money import Cents, allocate
from ledger.values.reasons import Reason, Refusal
from tests.builders.commands import activate, record_funding
from tests.builders.facts import (
    activated,
    funding_committed,
    funding_ordered,
    funding_received,
    issued,
    programme_closed,
    programme_opened,
    rules_published,
    tickets_activated,
)
from tests.builders.history import STARTED, STOCKED, facts_of, given, log_of, under
from tests.builders.world import MILLESIME, PROGRAMME

STAGES = ("commitment", "order", "cash")
FUNDED: dict[str, FundingCommitted | FundingOrdered | FundingReceived] = {
    "commitment": funding_committed(),
    "order": funding_ordered(),
    "cash": funding_received(),
}


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_of_funding_is_a_fact_of_its_own(stage: str) -> None:
    fact = FUNDED[stage]
    command = record_funding(stage=stage, reference=fact.reference)

    assert facts_of(command.decide(given(*STARTED))) == (fact,)


@pytest.mark.parametrize("stage", STAGES)
def test_funding_that_comes_after_the_end_is_recorded(stage: str) -> None:
    """The last transfer of a funder arrives when its tickets are long spent."""
    fact = FUNDED[stage]
    command = record_funding(stage=stage, reference=fact.reference)

    assert facts_of(command.decide(given(*STARTED, programme_closed()))) == (fact,)


@pytest.mark.parametrize("stage", STAGES)
def test_funding_that_comes_before_the_rules_is_recorded(stage: str) -> None:
    """A council votes the money first; no rules say yet what may be had for it."""
    fact = FUNDED[stage]
    command = record_funding(stage=stage, reference=fact.reference)

    assert facts_of(command.decide(given(programme_opened()))) == (fact,)


def test_a_millesime_that_earlier_rules_offered_is_still_funded() -> None:
    """What remains to be paid arrives when the next year's rules are in force."""
    later = rules_published(2, millesimes=(MILLESIME + 2,))

    assert isinstance(record_funding().decide(given(*STARTED, later)), Accepted)


def test_an_entry_counts_once_at_each_stage_of_each_millesime() -> None:
    """The order's mandate may have the commitment's number, and cover two years."""
    log = log_of(*STARTED)

    assert isinstance(log.submit(record_funding()), Accepted)
    for other in (
        {"stage": "order"},
        {"millesime": MILLESIME + 1},
        {"reference": "BANK-0002"},
    ):
        assert isinstance(log.submit(record_funding(**other)), Accepted)
        assert log.submit(record_funding(**other)) == Refusal(
            Reason.FUNDING_RECORDED, detail={"reference": other.get("reference", "BANK-0001")}
        )


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("VIR-Été-0001", "vir-été-0001"),
        ("VIR-Été-0001", " VIR-Été-0001 "),
        ("VIR-Été-0001", "VIR ETE 0001"),  # as banks export it
        ("VIR-Été-0001", "VIRÉté0001"),
        ("VIR-Été-0001", "VIR\u2011Été\u20110001"),  # hyphens that do not break the line
        ("VIR-Été-0001", "VIR\N{NO-BREAK SPACE}Été/0001"),
        ("VIR-Été-0001", "VIR-E\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT}-0001"),
        ("VIR-Été-0001", "\uff36\uff29\uff32-Été-0001"),  # of full width
        ("VIR-Été-0001", "(VIR-Été-0001)."),
        ("MARCQ-EN-BARŒUL 2022-1", "Marcq-en-Baroeul 2022-1"),  # as exports without it write
        ("Vir n° 12", "VIR Nº 12"),
        ("Vir n° 12", "VIR № 12"),
        ("Vir n° 12", "Vir no 12"),
        ("Vir n° 12", "Vir N 12"),
        ("VIR NO 12", "VIRNO12"),
        ("VIR NO 12", "VIRNº12"),
        ("VIR NO 12", "vir no_12"),
        ("VIR NO 12", "VIR N.O. 12"),
        ("VIR NO 12", "VIR n\N{ZERO WIDTH SPACE}o 12"),
        ("2022 NO 12", "2022NO12"),
        ("Facture n° FA-2022-12", "FACTURE Nº FA 2022 12"),
        ("Facture Nº FA-2022-12", "Facture no FA-2022-12"),
        ("Facture n° FA-2022-12", "FACTURE NO FA-2022-12"),
        ("Mandat Nº A12", "MANDAT N A12"),
        ("Vir n\N{SUPERSCRIPT ZERO} 12", "Vir n° 12"),
        ("1º acompte 2022", "1° acompte 2022"),
        ("1º acompte 2022", "1o acompte 2022"),
        ("1° acompte 2022", "1O ACOMPTE 2022"),
        ("3ᵒ versement région", "3° versement région"),
        ("titre 2022º14", "titre 2022°14"),
        ("Rue Jeanne d'Arc 12", "Rue Jeanne d\N{MODIFIER LETTER APOSTROPHE}Arc 12"),
        ("RF18539007547034", "RF18 5390 0754 7034"),  # ISO 11649: exported, and printed
        ("RF18539007547034", "RF18-5390-0754-7034"),
        ("VIR0001", "VIR 0001"),
        ("0001 VIR", "0001VIR"),
        ("VIR-00017", "VIR-0001\N{SOFT HYPHEN}7"),
        ("VIR-00017", "VIR-0\N{ZERO WIDTH SPACE}0017\ufeff"),
        ("VIR-00017", "VIR-000\N{NARROW NO-BREAK SPACE}17"),
        ("VIR-2022-0001", "VIR 2022 0001"),
        ("VIR-2022-0001", "VIR-20220001"),
        ("VIR-2022-0001", "VIR 2022 - 0001"),
        ("2022/1/12", "2022-1-12"),
        ("2022/1/12", "2022_1.12/"),
        ("2022/1/12", "2022-1\N{SOFT HYPHEN}12"),
    ],
    ids=ascii,
)
def test_an_entry_counts_once_however_its_reference_is_typed(written: str, typed: str) -> None:
    """The refusal names the one that stands in the books, as it was written there."""
    for first, second in ((written, typed), (typed, written)):
        log = log_of(*STARTED)
        assert isinstance(log.submit(record_funding(reference=first)), Accepted)

        assert log.submit(record_funding(reference=second)) == Refusal(
            Reason.FUNDING_RECORDED, detail={"reference": first}
        )


@pytest.mark.parametrize(
    ("recorded", "other"),
    [
        *(("VIR-0001", other) for other in ("VIR-0002", "VIR-00010", "VIR-0001 bis", "VIR-001")),
        ("2022/1/12", "2022/11/2"),
        ("2022.1.12 ", "2022 / 11 / 2"),
    ],
)
def test_another_reference_is_another_entry(recorded: str, other: str) -> None:
    log = log_of(*STARTED, funding_received(reference=recorded))

    (fact,) = facts_of(log.submit(record_funding(reference=other)))
    assert isinstance(fact, FundingReceived)
    assert fact.reference == other


def test_a_spelling_is_held_against_all_that_are_recorded() -> None:
    """Without its punctuation it may be any of them: the first one is named."""
    log = log_of(*STARTED, *(funding_received(reference=r) for r in ("2022/1/12", "2022/11/2")))

    for typed, recorded in (
        ("2022112", "2022/1/12"),
        ("2022-1-12", "2022/1/12"),
        ("2022-11-2", "2022/11/2"),
    ):
        assert log.submit(record_funding(reference=typed)) == Refusal(
            Reason.FUNDING_RECORDED, detail={"reference": recorded}
        )


def test_funding_that_comes_after_the_end_brings_nothing_into_circulation() -> None:
    log = log_of(*STOCKED, programme_closed())

    assert isinstance(log.submit(record_funding()), Accepted)
    assert log.submit(activate()) == Refusal(Reason.PROGRAMME_CLOSED)


@pytest.mark.parametrize("required", STAGES)
@pytest.mark.parametrize("reached", STAGES)
def test_the_stage_that_the_rules_ask_for_or_a_later_one_covers(
    required: str, reached: str
) -> None:
    """'No pass in circulation whose counter-value is not in the account': there it is cash."""
    history = (*under(STOCKED, activation_requires=required), FUNDED[reached])
    outcome = activate().decide(given(*history))

    assert isinstance(outcome, Accepted) == (STAGES.index(reached) >= STAGES.index(required))


def test_activation_moves_money_and_units_together() -> None:
    outcome = activate(1, 2).decide(given(*STOCKED, funding_received()))

    assert isinstance(outcome, Accepted)
    assert outcome.facts == (
        (carnet_stream("BFC22-0000001"), activated(1)),
        (carnet_stream("BFC22-0000002"), activated(2)),
        (
            funding_stream(PROGRAMME, MILLESIME),
            tickets_activated(
                carnets=2,
                tickets=10,
                amount_cents=Cents(10_000),
                cents={"region": Cents(6_000), "state": Cents(4_000)},
            ),
        ),
    )


def test_all_that_is_funded_may_circulate_and_not_a_cent_more() -> None:
    log = log_of(*STOCKED, funding_received(cents={"region": Cents(5_000)}))

    assert isinstance(log.submit(activate(1)), Accepted)
    assert log.submit(activate(2)) == Refusal(
        Reason.FUNDING_INSUFFICIENT, 1, {"requires": "cash", "missing_cents": 5_000}
    )


def test_the_funds_of_one_millesime_do_not_cover_another() -> None:
    history = (*STOCKED, funding_received(millesime=MILLESIME + 1))

    assert isinstance(activate().decide(given(*history)), Refusal)


@settings(max_examples=50)
@drawn(
    sizes=st.lists(st.sampled_from([5, 10]), min_size=1, max_size=12),
    shares=st.dictionaries(
        st.sampled_from(["ccas", "epci", "region", "state"]),
        st.integers(1, 10**6),
        min_size=1,
    ),
    face=st.integers(1, 2_000),
)
def test_shares_are_exact_and_never_drift(
    sizes: list[int], shares: dict[str, int], face: int
) -> None:
    """E17: each activation sums to its amount, and the totals are those of one single split."""
    log = log_of(
        programme_opened(shares=shares),
        *STARTED[2:],
        *(
            issued(number, size=size, face_value_cents=Cents(face))
            for number, size in enumerate(sizes, start=1)
        ),
        funding_received(cents=dict.fromkeys(shares, Cents(10**9))),
    )
    money = [
        fact
        for number in range(1, len(sizes) + 1)
        for fact in facts_of(log.submit(activate(number, command_id=f"activate-{number}")))
        if isinstance(fact, TicketsActivated)
    ]
    totals = list(accumulate(fact.amount_cents for fact in money))

    assert [sum(fact.cents.values()) for fact in money] == [fact.amount_cents for fact in money]
    for funder in shares:
        charged = accumulate(fact.cents[funder] for fact in money)
        assert list(charged) == [allocate(total, shares)[funder] for total in totals]


def test_a_carnet_already_activated_asks_for_no_more_money() -> None:
    log = log_of(*STOCKED, funding_received(cents={"region": Cents(5_000)}))
    log.submit(activate(1))

    assert log.submit(activate(1, command_id="once more")) == Refusal(
        Reason.CARNET_ALREADY_ACTIVATED, detail={"carnet": "BFC22-0000001"}
    )
