"""Work on many carnets is done as a whole or not at all, and says how much it was."""

import re

import pytest

from ledger.values.ids import CarnetId
from scripts.stock import bulk
from tests.scripts.ordering import STOCK
from tests.scripts.running import Souche

LARGE = ("BFC22", "large")
TOWN_HALL, POINT = "mairie", "ccas"


@pytest.fixture(scope="module")
def stock(souche: Souche) -> Souche:
    """With 1 900 carnets of which 1 000 are funded, and the first 10 are at two holders."""
    souche.do("programme", "preset", "bfc22", "--open")
    for holder in (STOCK, TOWN_HALL, POINT):
        souche.do("holder", "register", holder, holder.title())
    souche.do(
        *("programme", "fund", "BFC22", "2022", "cash", "VIR-1"),
        *("region-bfc=25000.00", "anct=25000"),
    )
    souche.do(
        *("order", "create", *LARGE, "--millesime", "2022"),
        *("--carnets", "1900", "--size", "5", "--holder", STOCK),
    )
    souche.do("order", "issue", *LARGE, "--to", str(souche.data / "large.jsonl"))
    souche.do("order", "activate", *LARGE, "--first", "5", "--count", "1")
    souche.do("order", "activate", *LARGE, "--count", "20")
    souche.do("order", "transfer", *LARGE, "--to", POINT, "--count", "8")
    souche.do("order", "transfer", *LARGE, "--to", TOWN_HALL, "--first", "9", "--count", "2")
    return souche


def events(souche: Souche) -> int:
    size: int = souche.look("status")["events"]
    return size


def test_what_is_not_funded_as_a_whole_is_not_begun(stock: Souche) -> None:
    before = events(stock)

    told = stock.refuse("order", "activate", *LARGE)

    assert "Refused (funding-insufficient)" in told
    missing = "45,000.00 € (cash) are missing for 1,880 carnets more in circulation"
    assert f"{missing}; nothing was done." in told
    fund = "souche programme fund BFC22 2022 cash <REFERENCE>"
    assert f"`{fund} region-bfc=22500.00 anct=22500.00`" in told
    fewer = "souche order activate BFC22 large --first 1 --count 1000"
    assert f"The funds suffice for 980 of them: `{fewer}`" in told
    assert events(stock) == before


def test_what_the_funds_suffice_for_is_activated_when_asked_for(stock: Souche) -> None:
    """Past the carnets that are in circulation already."""
    told = stock.do("order", "activate", *LARGE, "--count", "30")
    again = stock.do("order", "activate", *LARGE, "--first", "5", "--count", "1")

    assert told == "30 carnets are in circulation, 20 of them already.\n"
    assert again == "1 carnets are in circulation already.\n"


def test_carnets_that_are_elsewhere_keep_the_others_from_being_handed_out(stock: Souche) -> None:
    before = events(stock)

    words = ("--holder", POINT, "--first", "6", "--count", "4")
    told = stock.refuse("order", "assign", *LARGE, *words)

    assert "Refused (holder-differs)" in told
    assert f"BFC22-0000009 is with {TOWN_HALL}." in told
    assert "3 of 4 carnets could be handed out; nothing was done." in told
    assert events(stock) == before


def test_carnets_that_are_elsewhere_keep_the_others_from_being_moved(stock: Souche) -> None:
    before = events(stock)

    words = ("--from", TOWN_HALL, "--to", POINT, "--first", "9", "--count", "4")
    told = stock.refuse("order", "transfer", *LARGE, *words)

    assert f"BFC22-0000011 is with {STOCK}." in told
    assert "2 of 4 carnets could be moved; nothing was done." in told
    assert events(stock) == before


def test_carnets_that_are_not_in_circulation_are_not_handed_out(stock: Souche) -> None:
    told = stock.refuse(
        *("order", "assign", *LARGE, "--holder", STOCK, "--first", "1800", "--count", "1")
    )

    assert "Refused (carnet-not-activated)" in told
    assert "`souche order activate BFC22 large --first 1800 --count 1`" in told


def test_carnets_that_were_handed_out_are_not_moved(stock: Souche) -> None:
    stock.do("order", "assign", *LARGE, "--holder", POINT, "--first", "2", "--count", "1")

    words = ("--from", POINT, "--to", STOCK, "--count", "3")
    told = stock.refuse("order", "transfer", *LARGE, *words)

    assert "Refused (ticket-already-assigned)" in told
    assert "BFC22-0000002 was handed out: `souche carnet BFC22-0000002` shows when." in told
    assert "2 of 3 carnets could be moved" in told


def test_carnets_that_are_there_already_are_passed_over(stock: Souche) -> None:
    words = ("order", "transfer", *LARGE, "--to", TOWN_HALL, "--first", "9")

    told = stock.do(*words, "--count", "2")
    more = stock.do(*words, "--count", "3")

    assert told == f"2 carnets are with {TOWN_HALL} already.\n"
    assert more == f"3 carnets are with {TOWN_HALL}, 2 of them already.\n"


def test_a_holder_that_is_not_registered_is_told(stock: Souche) -> None:
    assign = stock.refuse("order", "assign", *LARGE, "--holder", "nobody", "--count", "1")
    transfer = stock.refuse("order", "transfer", *LARGE, "--to", "nobody", "--count", "1")

    for told in (assign, transfer):
        assert "Refused (holder-unknown)" in told
        assert "There is no holder nobody: see `souche holder list`" in told


@pytest.mark.parametrize(
    "words",
    [
        ("activate", *LARGE, "--first", "20", "--count", "2000"),
        ("transfer", *LARGE, "--to", TOWN_HALL, "--first", "1889", "--count", "13"),
    ],
)
def test_who_asks_for_more_carnets_than_there_are_is_told(
    stock: Souche, words: tuple[str, ...]
) -> None:
    if words[0] == "activate":
        stock.do(*("programme", "fund", "BFC22", "2022", "cash", "VIR-2", "anct=45000"))

    said = stock.run("order", *words)

    asked, there = int(words[-1]), 1901 - int(words[4 if words[0] == "activate" else 6])
    assert said.code == 0
    assert f"{there:,} carnets are " in said.out
    assert f"Only {there:,} of {asked:,}: order large has the numbers 1–1900." in said.err


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As though somebody else changed what fitted once it was looked at."""

    async def all_of_them(_: object, __: object, carnets: list[CarnetId], *___: object) -> object:
        return carnets

    for name in ("to_activate", "to_transfer", "to_assign"):
        monkeypatch.setattr(bulk, name, all_of_them)


@pytest.fixture(scope="module")
def crowd(stock: Souche) -> Souche:
    """With an order whose carnets from 501 on are with somebody else, and none funded beyond."""
    stock.do(
        *("order", "create", "BFC22", "crowd", "--millesime", "2022"),
        *("--carnets", "900", "--size", "5", "--holder", STOCK),
    )
    stock.do("order", "issue", "BFC22", "crowd", "--to", str(stock.data / "crowd.jsonl"))
    stock.do("programme", "fund", "BFC22", "2022", "cash", "VIR-3", "anct=45000")
    words = ("--to", TOWN_HALL, "--first", "2401")
    stock.do("order", "transfer", "BFC22", "crowd", *words)
    return stock


@pytest.mark.usefixtures("unseen")
def test_what_was_done_before_it_stopped_is_told(crowd: Souche) -> None:
    crowd.do("order", "activate", "BFC22", "crowd", "--first", "2301", "--count", "1")

    active = crowd.refuse("order", "activate", "BFC22", "crowd")
    moved = crowd.refuse("order", "transfer", "BFC22", "crowd", "--to", POINT)
    given = crowd.refuse(
        *("order", "assign", "BFC22", "crowd", "--holder", POINT),
        *("--first", "2299", "--count", "3"),
    )

    again = "Run the same command again: it goes on, or says what is in the way."
    assert "400 of 900 carnets were activated; stopped at BFC22-0002301." in active
    assert "400 of 900 carnets were moved; stopped at BFC22-0002401." in moved
    assert "2 of 3 carnets were handed out; stopped at BFC22-0002301." in given
    assert all(again in told for told in (active, moved, given))


def test_an_order_that_the_programme_does_not_allow_is_told_what_it_allows(stock: Souche) -> None:
    words = ("order", "create", "BFC22", "other", "--holder", STOCK)

    size = stock.refuse(*words, "--millesime", "2022", "--carnets", "1", "--size", "7")
    year = stock.refuse(*words, "--millesime", "2031", "--carnets", "1", "--size", "5")
    cap = stock.refuse(*words, "--millesime", "2022", "--carnets", "90000", "--size", "5")

    assert "The rules of BFC22 offer carnets of 5 tickets: `souche programme rules BFC22`" in size
    assert re.search(r"The rules of BFC22 offer (20\d\d, )*2022", year)
    assert re.search(
        r"The order has 450,000 tickets\. The cap of BFC22 is [\d,]+, of which [\d,]+ are left: "
        r"[\d,]+ carnets of 5\.",
        cap,
    )


def test_what_exists_is_named(stock: Souche, venue: str) -> None:
    place = ("Autre nom", "--region", "27", "--department", "21")

    holder = stock.refuse("holder", "register", POINT, "Autre nom")
    same = stock.refuse("venue", "register", venue, *place)

    assert "ccas is Ccas, or differs in something else" in holder
    assert f"{venue} is Médiathèque de Montsauvy" in same


@pytest.mark.usefixtures("unseen")
def test_a_refusal_is_kept_with_its_carnet(stock: Souche) -> None:
    words = ("order", "assign", *LARGE, "--holder", POINT, "--first", "9", "--count", "8")

    stock.refuse(*words)

    (kept, *_) = stock.look("refusals", "--carnet", "BFC22-0000009")
    assert (kept["reason"], kept["detail"]["holder"]) == ("holder-differs", TOWN_HALL)
    assert stock.look("refusals", "--carnet", "BFC22-0000010") == []  # all would be refused alike
