"""A device in a program of one's own: its session, its connection, its clock, its key."""

import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from api import client_link, client_wire
from api.client import Device
from api.client_link import Link, OutcomeUnknownError, ProblemError
from tests.api.ledgers import AUTHORITY, Served
from tests.api.lossy_proxy import Loses, Proxy
from tests.api.tills import REDEEM

UNKNOWN = "BFC22000123403Y5XC1KP2"  # well-formed, and nobody's


def test_a_device_opens_another_session_where_its_own_has_ended(
    device: Device, folder: Path, carnet: list[str]
) -> None:
    device.redeem(carnet[:1])
    with closing(Device(folder)) as other:
        other.roll()
    device._key = other._key

    assert device.redeem(carnet[1:2])["tickets"] == [2]


def test_requests_share_a_connection_and_a_session(
    device: Device, proxy: Proxy, carnet: list[str]
) -> None:
    before = len(proxy.passed)
    for code in carnet:
        device.redeem([code])

    assert proxy.passed[before:] == ["/v1/challenges", "/v1/sessions", *[REDEEM] * 5]


def test_a_connection_that_broke_in_a_pause_is_opened_again(
    device: Device, carnet: list[str]
) -> None:
    device.redeem(carnet[:1])
    device.link._http.sock.close()
    device.link._http.sock = None

    assert not device.redeem(carnet[1:2])["replayed"]


@pytest.mark.parametrize("ahead", [-86_400, 7 * 86_400])
def test_a_clock_that_is_wrong_does_not_matter(
    device: Device, carnet: list[str], monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """Requests are dated by the service's clock, which each session tells."""
    monkeypatch.setattr(client_link, "time", lambda: time.time() + ahead)

    assert device.check(carnet[:1])["redeemable"]
    assert device.link.skew == pytest.approx(-ahead, abs=2)


def test_a_clock_that_is_set_during_a_session_is_measured_anew(
    device: Device, carnet: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    device.check(carnet[:1])
    monkeypatch.setattr(client_link, "time", lambda: time.time() + 3600)

    assert device.check(carnet[:1])["redeemable"]
    assert device.link.skew == pytest.approx(-3600, abs=2)


@pytest.mark.parametrize("fate", [None, Loses.REQUEST, Loses.ANSWER])
def test_a_key_is_rolled_whatever_gets_lost(
    device: Device, folder: Path, proxy: Proxy, carnet: list[str], fate: Loses | None
) -> None:
    old = device.public_key
    if fate:
        proxy.will("/v1/terminals/roll", fate)
    new = device.roll("ecdsa-p256-sha256")

    assert new == device.public_key == Device(folder).public_key != old
    assert device.redeem(carnet[:1])
    assert not (folder / "next.pem").exists()


def test_a_key_is_rolled_to_the_one_that_was_kept(
    device: Device, folder: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash between the service's commit and our rename."""
    proxy.will("/v1/terminals/roll", Loses.ANSWER, *[Loses.REQUEST] * 99)
    monkeypatch.setattr(device.link, "_patience", 1)
    with pytest.raises(OutcomeUnknownError):
        device.roll()
    kept = client_wire.key_from_pem((folder / "next.pem").read_bytes())
    proxy.will("/v1/terminals/roll")

    with closing(Device(folder)) as restarted:
        assert restarted.roll() == client_wire.public_key(kept)
    assert Device(folder).public_key == client_wire.public_key(kept)


def test_a_problem_says_its_reason_and_whether_to_retry(device: Device, service: Served) -> None:
    with pytest.raises(ProblemError) as refused:
        device.redeem([UNKNOWN])

    assert refused.value.reason == "code-unknown"
    assert refused.value.status == 404
    assert not refused.value.retry
    assert refused.value.told["title_fr"]


def test_a_workshop_is_told_with_the_claim(device: Device, carnet: list[str]) -> None:
    assert device.redeem(carnet[:1], service_code="cv", workshop_id="2022-05-17")["position"]


def test_a_session_is_not_opened_where_others_could_listen() -> None:
    with pytest.raises(ValueError, match="https"):
        Link("http://clearing.example.org", 1, 1)
    assert Link("https://Clearing.Example.org", 1, 1).authority == AUTHORITY


def test_ids_are_uuids_of_version_7_in_the_order_of_their_making() -> None:
    ids = [client_wire.make_id(at) for at in range(1_795_311_612_000, 1_795_311_612_100)]

    assert ids == sorted(ids)
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in ids} == {
        (7, uuid.RFC_4122)
    }
    assert uuid.UUID(ids[0]).int >> 80 == 1_795_311_612_000
    assert len({client_wire.make_id(0) for _ in range(1000)}) == 1000
