"""From an order to a payment, by commands alone; the tickets are redeemed over HTTP."""

import os
import re
import subprocess
import sys
from collections import Counter, deque

import pytest

from ledger.settings import Settings
from scripts.demonstration.afternoon import redeem
from scripts.demonstration.till import Till
from scripts.service.serving import serving
from tests.scripts.conftest import POINT, VENUE, free_port
from tests.scripts.ordering import STOCK
from tests.scripts.running import Souche, clean

NAME = "Médiathèque de Montsauvy"
Codes = dict[str, tuple[str, ...]]


@pytest.fixture(scope="module")
def redeemed(ordered: Souche, handed_out: Codes, venue: str) -> Counter[str]:
    """Ten carnets redeemed at a venue's terminal, one of them tried twice."""
    settings = Settings(data=ordered.data, port=free_port())
    with serving(settings, demo=True) as authority:
        invitation = ordered.look("terminal", "invite", venue, "--label", "Comptoir")
        assert invitation["qr"].startswith("souche:")
        till = Till(authority, invitation["invitation"])
        carnets = list(handed_out.values())[:10]
        claims = [till.claim([code]) for codes in carnets for code in codes]
        claims.append(till.claim(carnets[0][:1]))
        answers = redeem([(till, deque(claims))], lambda _: None)
        ordered.do("terminal", "revoke", till.id, "--cause", "test over")
        late = redeem([(till, deque([till.claim(carnets[1][:1])]))], lambda _: None)
    assert answers.tickets == 50
    return answers.refused + late.refused


def test_a_ticket_is_redeemed_once(redeemed: Counter[str]) -> None:
    assert redeemed == {"ticket-already-redeemed": 1, "terminal-revoked": 1}


def test_orders_tell_how_far_they_are(ordered: Souche, handed_out: Codes) -> None:
    order = ordered.look("order", "list")[0]

    assert order["order_id"] == "first"
    assert order["issued_carnets"] == 1_000
    assert order["assigned_tickets"] == 5 * len(handed_out)


def test_programmes_tell_their_exposure(ordered: Souche, redeemed: Counter[str]) -> None:
    (millesime,) = ordered.look("programme", "list")

    assert millesime["name"].startswith("Pass numérique Bourgogne")
    assert millesime["activated_cents"] == 5_000_000
    assert millesime["redeemed_tickets"] == 50
    assert millesime["circulating_cents"] == 5_000_000 - 50_000


def test_people_see_what_a_programme_has_promised_asked_for_and_spent(
    ordered: Souche, redeemed: Counter[str]
) -> None:
    ordered.do("programme", "preset", "av12", "--open")
    for stage, amount in (("commitment", "70000"), ("order", "60000")):
        ordered.do("programme", "fund", "BFC22", "2022", stage, f"{stage}-1", f"anct={amount}")

    told = ordered.do("programme", "list")

    in_tickets, in_euros = (
        line.split()[2:] for line in told.splitlines() if line.startswith("  BFC22 2022 ")
    )
    assert in_tickets[2:] == ["5,000", "100", "50", "4,950"]
    assert in_euros[::2] == ["70,000.00", "60,000.00", "50,000.00", "500.00"]
    assert "Nothing was funded or ordered: " in told
    assert "AV12" in told.rpartition("Nothing was funded")[2]


def test_long_work_can_be_repeated(ordered: Souche, handed_out: Codes) -> None:
    events = ordered.look("status")["events"]

    active = ordered.do("order", "activate", "BFC22", "first")
    words = ("order", "assign", "BFC22", "first", "--holder", POINT)
    said = ordered.run(*words, "--count", "20")

    assert "1,000 carnets are in circulation already." in active
    assert said.code == 0
    assert "None handed out: numbers 1–20 were before." in said.err
    assert "The next in stock is 21: `--first 21`" in said.err
    assert ordered.look("status")["events"] == events


@pytest.mark.parametrize("step", [("assign", "--holder", POINT), ("activate",)])
def test_a_number_that_an_order_does_not_have_is_refused(
    ordered: Souche, handed_out: Codes, step: tuple[str, ...]
) -> None:
    told = ordered.refuse("order", step[0], "BFC22", "first", *step[1:], "--first", "2000")

    assert "Order first has no carnet 2000: it has the numbers 1–1000." in told


def test_who_gets_fewer_carnets_than_asked_for_is_told(ordered: Souche, handed_out: Codes) -> None:
    words = ("order", "assign", "BFC22", "first", "--holder", POINT)

    said = ordered.run(*words, "--first", "20", "--count", "2")

    assert "Carnets handed out: 1." in said.out
    assert "Only 1 handed out: 1 of numbers 20–21 were before." in said.err
    assert "The next in stock is 22: `--first 22`" in said.err


def test_carnets_move_as_often_as_they_are_asked_to(ordered: Souche, handed_out: Codes) -> None:
    words = ("order", "transfer", "BFC22", "first", "--first", "201", "--count", "9")

    for _ in range(2):
        assert f"9 carnets are with {POINT}.\n" == ordered.do(*words, "--to", POINT)
        assert f"9 carnets are with {POINT} already.\n" == ordered.do(*words, "--to", POINT)
        ordered.do(*words, "--from", POINT, "--to", STOCK)

    assert ordered.look("carnet", "BFC22-0000201")["holder"] == STOCK


def test_carnets_are_not_moved_to_who_has_them(ordered: Souche) -> None:
    said = ordered.run("order", "transfer", "BFC22", "first", "--to", STOCK)

    assert said.code == 2
    assert f"The carnets are with {STOCK} already: name another holder with --to." in said.err


def test_refusals_say_why(ordered: Souche, handed_out: Codes) -> None:
    stock = ("order", "assign", "BFC22", "first", "--holder", POINT, "--first", "500")

    assert "holder-differs" in ordered.refuse(*stock, "--count", "1")
    assert "holder-exists" in ordered.refuse("holder", "register", STOCK, "Again")
    assert "venue-unknown" in ordered.refuse("terminal", "invite", "99900002900010")


def test_a_reference_is_booked_once(ordered: Souche) -> None:
    words = ("programme", "fund", "BFC22", "2022", "cash", "VIR-1")

    again = ordered.do(*words, "region-bfc=25000", "anct=25000.00")
    other = ordered.refuse(*words, "region-bfc=1")
    typed = ordered.refuse(*words[:-1], "vir 1", "region-bfc=25000")

    assert "as it had before" in again
    assert "Reference VIR-1 is recorded already with other amounts." in other
    assert "It is recorded as VIR-1. If this is another entry, add what tells them apart" in typed


def test_funding_is_held_against_the_rules_and_the_shares(ordered: Souche) -> None:
    fund = ("programme", "fund", "BFC22")

    nowhere = ordered.refuse(*fund, "2031", "order", "M-9", "anct=1")
    other = ordered.refuse(*fund, "2022", "order", "M-9", "mairie=1")
    uneven = ordered.run(*fund, "2022", "commitment", "C-9", "region-bfc=1", "anct=9")
    stage = ordered.run(*fund, "2022", "cheque", "M-9", "anct=1", COLUMNS="200")

    assert "No rules offer millésime 2031 of BFC22, only 2022, 2023: nothing is" in nowhere
    assert "The funders of BFC22: " in other
    assert (uneven.code, "don't follow the programme's shares" in uneven.err) == (0, True)
    assert "Invalid value for STAGE: 'cheque' is none of commitment, order, cash" in stage.err


def test_what_is_so_already_is_told_and_not_recorded_again(ordered: Souche, venue: str) -> None:
    events = ordered.look("status")["events"]

    told = [
        ordered.do("holder", "register", STOCK, "Région, réserve de titres"),
        ordered.do(
            *("venue", "register", "999 000 011 00018", "Médiathèque de Montsauvy"),
            *("--region", "27", "--department", "21"),
        ),
        ordered.do("venue", "qualify", venue, "--from", "2022-01-01", "--authority", "Préfet"),
        ordered.do(
            *("order", "create", "BFC22", "first", "--millesime", "2022"),
            *("--carnets", "1000", "--size", "5", "--holder", STOCK),
        ),
    ]

    assert all(each.endswith(" already.\n") for each in told)
    assert ordered.look("status")["events"] == events


def test_a_device_is_revoked_once_for_a_cause(ordered: Souche, redeemed: Counter[str]) -> None:
    (device,) = ordered.look("terminal", "list")
    events = ordered.look("status")["events"]
    revoke = ("terminal", "revoke", device["terminal"], "--cause")

    assert ordered.do(*revoke, "test over") == f"{device['terminal']} is revoked already.\n"
    assert "terminal-revoked" in ordered.refuse(*revoke, "stolen")
    assert ordered.look("status")["events"] == events


def test_an_account_that_is_not_there_is_told(ordered: Souche) -> None:
    assert "No account's name starts with nix." in ordered.do("balances", "nix")


def test_what_is_unknown_is_named_with_the_command_that_makes_it(ordered: Souche) -> None:
    order = ("order", "create", "BFC22", "second", "--millesime", "2022", "--carnets", "1")

    nobody = ordered.refuse(*order, "--size", "5", "--holder", "nobody")
    ordered.do(*order, "--size", "5", "--holder", STOCK)
    empty = ordered.refuse("order", "activate", "BFC22", "second")
    other = ordered.refuse("order", "activate", "BFC22", "third")
    place = ordered.refuse("order", "issue", "BFC22", "second", "--to", "/dev/null/codes")

    assert "There is no holder nobody: see `souche holder list`" in nobody
    assert "Order second has no carnets yet: `souche order issue BFC22 second --to FILE`" in empty
    assert "There is no order third: see `souche order list`" in other
    assert "Name another file with --to." in place
    assert "There is no venue 99900002900010" in ordered.refuse("venue", "resume", "99900002900010")


def test_reads_list_what_there_is(ordered: Souche, redeemed: Counter[str]) -> None:
    holders = {each["holder"] for each in ordered.look("holder", "list")}
    (venue,) = ordered.look("venue", "list")
    (terminal,) = ordered.look("terminal", "list")

    assert holders == {STOCK, POINT}
    assert venue["registered"]["venue"] == VENUE
    assert (terminal["state"], terminal["label"]) == ("revoked", "Comptoir")
    assert "401 owed to venues" in ordered.do("balances")
    assert {each["programme"] for each in ordered.look("programme", "presets")} > {"BFC22", "HDF22"}
    assert ordered.look("programme", "preset", "bfc22")[0]["path"] == "programme.id"


@pytest.mark.parametrize(
    "words",
    [
        ("order", "list"),
        ("programme", "list"),
        ("programme", "presets"),
        ("holder", "list"),
        ("venue", "list"),
        ("terminal", "list"),
        ("payouts", "list"),
        ("balances",),
        ("status",),
    ],
)
def test_people_get_tables(ordered: Souche, redeemed: Counter[str], words: tuple[str, ...]) -> None:
    told = ordered.do(*words)

    assert "─" in told
    assert "\x1b" not in told  # NO_COLOR


def test_a_preset_is_told_value_by_value(souche: Souche) -> None:
    told = souche.do("programme", "preset", "av12", "--explain")

    assert "\nprogramme.cap_tickets: 90,000\n    source: Département de l’Aveyron" in told


@pytest.fixture(scope="module")
def held_back(ordered: Souche, redeemed: Counter[str]) -> str:
    """What was said of a run that is paid while its only venue is frozen."""
    for step in ("cutoff", "draft", "submit"):
        ordered.do("payouts", step, "2022-02")
    digest = ordered.look("payouts", "show", "2022-02")["digest"]
    ordered.do("payouts", "approve", "2022-02", "--digest", digest)
    ordered.do("venue", "suspend", VENUE, "--cause", "Contrôle en cours")
    told = ordered.do("payouts", "pay", "2022-02")
    assert re.search(rf"{VENUE} .* 500.00 € +frozen", ordered.do("payouts", "show", "2022-02"))
    ordered.do("venue", "resume", VENUE)
    return told


def test_what_a_frozen_venue_is_owed_stays_and_is_told(held_back: str) -> None:
    assert "Run 2022-02 is closed: 0.00 € of 500.00 € paid" in held_back
    assert f"{VENUE}: 500.00 € stays owed; `souche venue resume {VENUE}`" in held_back


@pytest.mark.usefixtures("held_back")
def test_a_run_is_paid_by_two_people(ordered: Souche, redeemed: Counter[str]) -> None:
    assert ordered.run("payouts", "cutoff", "2022-03").err == ""
    ordered.do("payouts", "draft", "2022-03")
    ordered.do("payouts", "submit", "2022-03")
    drafted = ordered.look("payouts", "show", "2022-03")

    assert drafted["lines"] == [
        {"venue": VENUE, "name": NAME, "tickets": 50, "amount_cents": 50_000}
    ]
    told = ordered.do("payouts", "show", "2022-03")
    assert re.search(rf"{VENUE} +{NAME} +50 +500.00 €", told)
    assert "Total to pay: 500.00 € for 50 tickets, to 1 venue." in told
    assert re.search(
        rf"Cutoff: 20\d\d-.* UTC, position {drafted['cutoff']:,}, by person:operator", told
    )
    assert [each["step"] for each in drafted["steps"]] == ["cutoff", "drafted", "submitted"]
    assert drafted["cutoff_at"] == drafted["steps"][0]["recorded_at"]
    (_, run) = ordered.look("payouts", "runs")
    assert (run["run"], run["state"], run["amount_cents"]) == ("2022-03", "submitted", 50_000)
    assert re.search(r"2022-03 +submitted .* 500.00 €", ordered.do("payouts", "runs"))
    events = ordered.look("status")["events"]
    assert "is submitted, as it had before" in ordered.do("payouts", "submit", "2022-03")
    assert ordered.look("status")["events"] == events
    early = ordered.refuse("payouts", "pay", "2022-03")
    assert "not at this step" in early
    assert "Run 2022-03 is submitted; next: `souche payouts show 2022-03`" in early
    again = ordered.refuse("payouts", "cutoff", "2022-03")
    assert "`souche payouts show 2022-03` shows it; run 2022-03 is submitted" in again
    digest = ("--digest", drafted["digest"])
    assert "This is for the approver" in ordered.refuse(
        "payouts", "approve", "2022-03", *digest, "--as", "operator"
    )
    other = ordered.refuse("payouts", "approve", "2022-03", "--digest", "0" * 64)
    assert "run-digest-differs" in other
    assert "not the one that `souche payouts show 2022-03` prints" in other

    signed = ordered.do("payouts", "approve", "2022-03", *digest)
    assert "In the name of person:approver, whose token is in the data folder." in signed
    repeated = ordered.do("payouts", "approve", "2022-03", *digest)
    assert "Run 2022-03 is approved, as it had before" in repeated
    changed = ordered.refuse("payouts", "approve", "2022-03", "--digest", "0" * 64)
    assert "run-in-another-state" in changed
    assert "is paid: all of 500.00 € (" in ordered.do("payouts", "pay", "2022-03")
    assert "is paid: all of 500.00 €, as it had" in ordered.do("payouts", "pay", "2022-03")

    paid = ordered.look("payouts", "show", "2022-03")
    (payout,) = ordered.look("payouts", "list")
    assert (paid["state"], paid["paid_cents"]) == ("closed", 50_000)
    assert (payout["reimbursed_cents"], payout["owed_cents"]) == (50_000, 0)
    assert ordered.look("balances")["balanced"]


def _redeem_one(souche: Souche, venue: str, codes: Codes) -> None:
    """The first ticket of a carnet of which none was redeemed."""
    with serving(Settings(data=souche.data, port=free_port()), demo=True) as authority:
        invitation = souche.look("terminal", "invite", venue, "--label", "Billetterie")
        till = Till(authority, invitation["invitation"])
        claim = till.claim(list(codes.values())[10][:1])
        assert redeem([(till, deque([claim]))], lambda _: None).tickets == 1


def test_a_run_that_is_withdrawn_makes_room_for_the_next(
    ordered: Souche, redeemed: Counter[str], handed_out: Codes, venue: str
) -> None:
    empty = ordered.run("payouts", "cutoff", "2022-04")
    assert "Run 2022-04 has its cutoff (position " in empty.out
    assert "Nothing was owed at the cutoff" in empty.err
    assert "`souche payouts withdraw 2022-04`" in empty.out
    assert "run-open" in ordered.refuse("payouts", "cutoff", "2022-05")

    ordered.do("payouts", "withdraw", "2022-04")

    assert ordered.look("payouts", "show", "2022-04")["paid_cents"] == 0
    ordered.do("payouts", "cutoff", "2022-05")
    _redeem_one(ordered, venue, handed_out)
    said = ordered.run("payouts", "draft", "2022-05")
    assert ordered.look("payouts", "list")[0]["owed_cents"] == 1_000
    assert "Nothing was owed at the cutoff" in said.err
    assert "What is earned after it belongs to the next run." in said.err
    ordered.do("payouts", "withdraw", "2022-05")

    ordered.do("payouts", "cutoff", "2022-06")
    (line,) = ordered.look("payouts", "show", "2022-06")["lines"]
    assert (line["tickets"], line["amount_cents"]) == (1, 1_000)  # the others are paid
    ordered.do("payouts", "withdraw", "2022-06")


def test_money_that_is_missing_is_told_in_euros(ordered: Souche, handed_out: Codes) -> None:
    ordered.do(
        *("order", "create", "BFC22", "unfunded", "--millesime", "2022"),
        *("--carnets", "10", "--size", "5", "--holder", STOCK),
    )
    ordered.do("order", "issue", "BFC22", "unfunded", "--to", str(ordered.data / "more.jsonl"))

    assert "500.00 € (cash) are missing" in ordered.refuse("order", "activate", "BFC22", "unfunded")


def test_a_run_that_is_not_there_is_told(ordered: Souche) -> None:
    assert "There is no run" in ordered.refuse("payouts", "show", "never")


def test_a_venue_is_frozen_and_let_go_on(ordered: Souche, venue: str) -> None:
    ordered.do("venue", "suspend", venue, "--cause", "Contrôle en cours")
    frozen = ordered.look("venue", "list")[0]["suspended"]
    ordered.do("venue", "resume", venue)

    assert frozen
    assert not ordered.look("venue", "list")[0]["suspended"]


def test_a_venue_that_is_not_frozen_is_not_let_go_on(ordered: Souche, venue: str) -> None:
    events = ordered.look("status")["events"]

    told = ordered.refuse("venue", "resume", venue)

    assert "Refused (venue-not-suspended): The venue's payments are not frozen." in told
    assert "`souche venue list` shows to whom payments are frozen." in told
    assert ordered.look("status")["events"] == events


def test_a_closed_programme_takes_no_order(ordered: Souche) -> None:
    ordered.do("programme", "preset", "hdf22", "--open", "--on", "2022-03-01")
    ordered.do("programme", "close", "HDF22", "--yes")

    told = ordered.refuse(
        *("order", "create", "HDF22", "late", "--millesime", "2022"),
        *("--carnets", "1", "--size", "5", "--holder", STOCK),
    )
    assert "programme-closed" in told
    assert "Closed: HDF22." in ordered.do("programme", "list")


def test_closing_says_what_it_ends_and_asks(ordered: Souche, handed_out: Codes) -> None:
    """Tickets in people's hands are worth nothing afterwards, and nobody can undo it."""
    events = ordered.look("status")["events"]

    said = ordered.run("programme", "close", "BFC22")

    assert said.code == 2
    assert re.search(
        r"BFC22 has [\d,]+ tickets in circulation, worth [\d,]+\.00 €: once it is closed, "
        r"no venue can take them\. Closing can't be undone\.",
        said.err,
    )
    assert "BFC22 stays open." in said.err
    assert "add --yes" in said.err
    assert ordered.look("status")["events"] == events


def test_on_a_terminal_closing_asks(ordered: Souche) -> None:
    ordered.do("programme", "preset", "hdfy22", "--open")

    for answer, code, told in (("n", 1, "HDFY22 stays open."), ("y", 0, "HDFY22 is closed")):
        process, said = on_a_terminal(ordered, answer, "programme", "close", "HDFY22")
        assert "HDFY22 has no tickets in circulation. Closing can't be undone." in said
        assert "Close HDFY22 for good? [y/N] " in said
        assert (process.returncode, told in said) == (code, True)


def test_what_is_not_open_is_not_asked_about(ordered: Souche) -> None:
    assert "programme-unknown" in ordered.refuse("programme", "close", "N0WHERE")


def on_a_terminal(
    souche: Souche, answer: str, *words: str
) -> tuple[subprocess.CompletedProcess[str], str]:
    """A command whose input is a terminal's, on which this is typed."""
    ours, theirs = os.openpty()
    with os.fdopen(ours, "w") as keys, os.fdopen(theirs) as terminal:
        keys.write(f"{answer}\n")
        keys.flush()
        process = subprocess.run(
            [sys.executable, "-P", "-m", "scripts.cli", *words],
            env={**clean(), "SOUCHE_DATA": str(souche.data)},
            stdin=terminal,
            capture_output=True,
            text=True,
            check=False,
        )
    return process, process.stdout + process.stderr


def test_money_that_arrives_after_the_end_is_booked_with_a_warning(ordered: Souche) -> None:
    """It is on the account, whatever became of the programme."""
    ordered.do("programme", "preset", "nat19", "--open")
    ordered.do("programme", "close", "NAT19", "--yes")

    said = ordered.run("programme", "fund", "NAT19", "2019", "cash", "VIR-9", "etat=1")

    assert said.code == 0
    assert "Warning: NAT19 is closed: no carnet is activated any more." in said.err
