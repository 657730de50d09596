import re
import unicodedata
from uuid import UUID

import pytest

from ledger.values import ids
from tests.builders.world import OTHER_VENUE, VENUE


@pytest.mark.parametrize("text", [VENUE, OTHER_VENUE, "35600000000048", "35600000009075"])
def test_a_siret_has_a_right_check_digit_or_is_la_postes(text: str) -> None:
    assert ids.is_siret(text)


@pytest.mark.parametrize(
    "text",
    [
        "21250056500017",
        "2125005650001",
        "212500565000160",
        "212 500 565 00016",
        " 21250056500016",
        "21250056500016\n",
        "2125005650001²",
        "",
        pytest.param(
            "".join(unicodedata.lookup(f"FULLWIDTH {unicodedata.name(digit)}") for digit in VENUE),
            id="full-width",
        ),
    ],
)
def test_what_is_no_siret(text: str) -> None:
    """A venue's id is compared byte by byte, so there is one way to write it."""
    assert not ids.is_siret(text)


def test_a_uuid_is_canonical() -> None:
    made = UUID("0192f3a1-7b5c-7d2e-8a1f-0123456789ab")

    assert ids.is_uuid(str(made))
    for text in (str(made).upper(), made.hex, f"{{{made}}}", f"{made}\n", made.urn, ""):
        assert not ids.is_uuid(text)


def test_the_same_parts_give_the_same_id() -> None:
    """Pinned: it makes the ids of chunks and terminals, which are stored."""
    assert str(ids.NAMESPACE) == "6f2c1b0e-6c1d-5e0f-9b52-8a1d0f7c4e11"
    assert ids.derived_id("order-1", 3) == "fc6b10a4-5b26-564e-b2f7-7c40a29cacad"
    assert ids.derived_id("order-1", 3) != ids.derived_id("order-1", 4)


def test_a_terminal_is_named_after_its_invitation() -> None:
    made = ids.terminal_id("invitation-1")

    assert re.fullmatch(ids.TERMINAL_PATTERN, made)
    assert made == ids.terminal_id("invitation-1") != ids.terminal_id("invitation-2")


def test_a_carnets_serial_says_its_programme_and_number() -> None:
    assert ids.carnet_id("BFC22", 1234) == "BFC22-0001234"
    assert re.fullmatch(ids.CARNET_PATTERN, ids.carnet_id("BFC22", 9_999_999))


def test_the_longest_end_to_end_id_fits_the_bank() -> None:
    run = "2022-06-" + "x" * 10

    assert re.fullmatch(ids.RUN_PATTERN, run)
    assert not re.fullmatch(ids.RUN_PATTERN, run + "x")
    assert len(ids.end_to_end_id(run, VENUE)) == 35


def test_streams_have_readable_names() -> None:
    assert ids.carnet_stream("BFC22-0000001") == "carnet:BFC22-0000001"
    assert ids.programme_stream("BFC22") == "programme:BFC22"
    assert ids.funding_stream("BFC22", 2022) == "funding:BFC22:2022"
    assert ids.holder_stream("region") == "holder:region"
    assert ids.venue_stream(VENUE) == f"venue:{VENUE}"
    assert ids.terminal_stream("t-0") == "terminal:t-0"
    assert ids.run_stream("2022-06") == "payment-run:2022-06"
    assert ids.transfer_stream("PN2022-06") == "transfer:PN2022-06"
    assert ids.LOG_STREAM == "log:origin"
