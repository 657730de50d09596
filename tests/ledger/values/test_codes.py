import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.values.codes import (
    ALPHABET,
    MalformedCodeError,
    Pepper,
    _secrets,
    check_character,
    make_codes,
    parse_code,
    shown,
)
from ledger.values.ids import PROGRAMME_PATTERN

SEED = bytes(range(32))
SAMPLES = [
    *make_codes(SEED, "BFC22", 1234, 10),
    *make_codes(SEED, "00", 9_999_999, 99)[-5:],
    *make_codes(SEED, "ZZZZZZZZ", 1, 5),
]
TYPED = ALPHABET + ALPHABET.lower() + "iIlLoOuU"
MEANT = str.maketrans("iIlLoO", "111100")

programmes = st.from_regex(PROGRAMME_PATTERN.replace("$", r"\Z"))
codes = st.builds(
    lambda seed, programme, number, ticket: make_codes(seed, programme, number, ticket)[-1],
    st.binary(min_size=32, max_size=32),
    programmes,
    st.integers(1, 9_999_999),
    st.integers(1, 20),
)


@settings(max_examples=50)
@given(codes)
def test_a_made_code_is_well_formed_and_says_its_ticket(text: str) -> None:
    code = parse_code(text)

    assert code.text == text
    assert shown(text).replace("-", "") == text
    assert code.carnet == f"{text[:-17]}-{text[-17:-10]}"
    assert code.ticket == int(text[-10:-8])
    assert set(text) <= set(ALPHABET), "it fits a QR code in alphanumeric mode"


def test_the_same_seed_gives_the_same_codes() -> None:
    """Pinned: a chunk whose outcome is unknown is sent again with the codes already printed."""
    made = make_codes(SEED, "BFC22", 1234, 3)

    assert made == ("BFC220001234013XVG4RP1", "BFC220001234025B392R2W", "BFC22000123403Y5XC1KP2")
    assert make_codes(SEED, "BFC22", 1234, 5)[:3] == made


def test_tickets_carnets_programmes_and_seeds_have_secrets_of_their_own() -> None:
    made = [
        code[-8:-1]
        for seed, programme, number in product((SEED, bytes(32)), ("BFC22", "HDF22"), (1, 2))
        for code in make_codes(seed, programme, number, 10)
    ]

    assert len(set(made)) == len(made) == 80


def test_a_secret_is_redrawn_until_its_check_character_is_a_letter() -> None:
    """Five first draws in 37 have none."""
    first_draws = {code: next(_secrets(SEED, code[:-8])) for code in make_codes(SEED, "B1", 1, 99)}
    redrawn = [
        code for code, secret in first_draws.items() if check_character(code[:-8] + secret) is None
    ]

    assert 5 <= len(redrawn) <= 25
    assert all(code[-8:-1] != first_draws[code] for code in redrawn)


@pytest.mark.parametrize("text", SAMPLES)
def test_every_single_substitution_is_caught(text: str) -> None:
    for place, typed in product(range(len(text)), TYPED):
        wrong = text[:place] + typed + text[place + 1 :]
        if typed.translate(MEANT).upper() != text[place]:
            with pytest.raises(MalformedCodeError):
                parse_code(wrong)


@pytest.mark.parametrize("text", SAMPLES)
def test_every_adjacent_transposition_is_caught(text: str) -> None:
    for place in range(len(text) - 1):
        if text[place] != text[place + 1]:
            wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
            with pytest.raises(MalformedCodeError):
                parse_code(wrong)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "BFC22",
        SAMPLES[0][:-1],
        SAMPLES[0] + "0",
        SAMPLES[0].replace("BFC22", "B"),
        SAMPLES[0].replace("BFC22", "BFC22BFC2"),
        SAMPLES[0].replace("B", "U", 1),
        SAMPLES[0].replace("0", "\N{ARABIC-INDIC DIGIT ZERO}", 1),
        SAMPLES[0] + "\n",
        "SECRET",
        "x" * 100_000,
    ],
)
def test_what_is_no_code_is_refused_without_an_echo(typed: str) -> None:
    with pytest.raises(MalformedCodeError) as refused:
        parse_code(typed)

    assert str(refused.value) == "not a ticket code"
    assert refused.value.__cause__ is refused.value.__context__ is None


@given(st.text())
def test_any_text_is_a_code_or_is_refused(typed: str) -> None:
    try:
        code = parse_code(typed)
    except MalformedCodeError:
        return
    assert re.fullmatch(f"[{ALPHABET}]+", code.text)


def test_a_digest_is_128_bits_of_hmac_and_depends_on_the_pepper() -> None:
    """Pinned: it is stored in every CarnetIssued."""
    assert Pepper(b"pepper").digest("BFC22000123401") == "4ed15d7758321682c7270b054ecc23d4"
    assert Pepper(b"pepper").digest("a") != Pepper(b"other").digest("a")


@settings(max_examples=30)
@given(text=codes, data=st.data())
def test_case_separators_and_look_alikes_do_not_matter(text: str, data: st.DataObject) -> None:
    variants = {"0": ["0", "o", "O"], "1": ["1", "i", "I", "l", "L"]}
    typed = "".join(
        data.draw(st.sampled_from(variants.get(letter, [letter, letter.lower()])))
        + data.draw(st.sampled_from(["", "", "-", " ", ".", " - "]))
        for letter in text
    )

    assert parse_code(typed) == parse_code(text)


def test_a_fingerprint_tells_peppers_apart() -> None:
    """It stands in the ledger's first fact, so it never changes."""
    assert Pepper(b"pepper").fingerprint == Pepper(b"pepper").fingerprint
    assert Pepper(b"pepper").fingerprint != Pepper(b"other").fingerprint


def test_a_pepper_gives_the_same_digest_again() -> None:
    """The prepared hash is copied for each code, never used up."""
    pepper = Pepper(b"pepper")

    assert [pepper.digest("a"), pepper.digest("b"), pepper.digest("a")] == [
        Pepper(b"pepper").digest(text) for text in ("a", "b", "a")
    ]
