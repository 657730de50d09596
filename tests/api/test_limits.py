"""Guessing is limited, by device and by address, and a limit says when to come back."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fastapi import Request

from api.limits import FAILURES_AT_ONCE, LONGEST_WAIT, Limit, Places
from api.problems import ProblemError, problem
from api.state import UncountedProxiesError, running
from api.strangers import address_of
from ledger.settings import Settings
from tests.api.device import Device, b64u
from tests.api.ledgers import AUTHORITY, Served, serving
from tests.api.operating import answered, invite, refused

BATCH = "/v1/redemptions/batch"
WRONG = {"authorization": "Bearer souche_wrong"}


def wait(limit: Limit, key: str) -> int:
    """The seconds that somebody is told to wait for."""
    try:
        limit.require(key)
    except ProblemError as e:
        return int(e.headers["retry-after"])
    return 0


class TestLimit:
    def test_it_says_when_to_come_back(self) -> None:
        """Not earlier, and not in vain."""
        limit = Limit(a_second=4, at_once=2)
        for _ in range(5):
            limit.charge("device")

        assert wait(limit, "device") == 1
        time.sleep(0.7)
        assert wait(limit, "device") == 1
        time.sleep(0.4)
        assert wait(limit, "device") == 0

    def test_what_is_owed_is_waited_for(self) -> None:
        """Fifty guesses at once must not be cheaper than one after the other."""
        limit = Limit(a_second=1 / 6, at_once=10)
        for _ in range(50):
            limit.charge("device")

        assert wait(limit, "device") == pytest.approx(41 * 6, abs=1)
        assert wait(limit, "another") == 0

    @pytest.mark.parametrize("a_second", [1 / 6, 1, 5, 0.7])
    def test_nobody_waits_for_more_than_ten_minutes(self, a_second: float) -> None:
        limit = Limit(a_second, at_once=10)
        for _ in range(10_000):
            limit.charge("device")

        assert wait(limit, "device") == LONGEST_WAIT == 600

    @pytest.mark.parametrize(
        ("reason", "counted"),
        [
            ("unauthenticated", True),
            ("terminal-unknown", True),
            ("terminal-revoked", True),
            ("invitation-unknown", True),
            ("invitation-used", False),
        ],
    )
    def test_only_guesses_are_failures(self, reason: str, *, counted: bool) -> None:
        """Who is told that an invitation was used has shown a real one."""
        limit = Limit(a_second=1, at_once=1)
        with pytest.raises(ProblemError), limit.failures("address"):
            raise ProblemError(problem(reason))

        assert bool(wait(limit, "address")) is counted

    def test_who_proves_who_they_are_needs_no_token(self) -> None:
        limit = Limit(a_second=1, at_once=1)
        limit.charge("address")

        with limit.failures("address"):
            pass
        with pytest.raises(ProblemError) as refused, limit.failures("address"):
            raise ProblemError(problem("unauthenticated"))
        assert refused.value.problem.reason == "too-many-requests"

    def test_whoever_goes_on_failing_is_not_forgotten_for_others(self) -> None:
        """Else somebody with many addresses would have all of them forgiven."""
        limit = Limit(a_second=1, at_once=1)
        for number in range(60_000):
            limit.charge(f"another {number}")
            if number % 1000 == 0:
                limit.charge("first")

        assert 30 < wait(limit, "first") <= 60


class TestPlaces:
    def test_each_device_has_its_own(self) -> None:
        places = Places(most=3)
        places.take("device")
        places.take("device", 2)
        places.take("another", 3)

        with pytest.raises(ProblemError) as refused:
            places.take("device")

        assert refused.value.problem.reason == "too-many-requests"
        assert refused.value.headers["retry-after"] == "1"

    def test_they_are_given_back(self) -> None:
        """And nobody is remembered for having asked."""
        places = Places(most=3)
        for _ in range(5):
            places.take("device")
            places.take("device", 2)
            places.give_back("device", 2)
            places.give_back("device")
        assert not places._held


class TestAddresses:
    @pytest.mark.parametrize(
        ("forwarded", "proxies", "address"),
        [
            ([], 0, "192.0.2.1"),
            (["203.0.113.7"], 0, "192.0.2.1"),
            (["203.0.113.7"], 1, "203.0.113.7"),
            (["1.1.1.1, 203.0.113.7"], 1, "203.0.113.7"),
            (["1.1.1.1", "203.0.113.7"], 1, "203.0.113.7"),
            (["1.1.1.1, 203.0.113.7, 10.0.0.1"], 2, "203.0.113.7"),
            (["203.0.113.7"], 2, "192.0.2.1"),
            ([], 1, "192.0.2.1"),
            (["unknown"], 1, "192.0.2.1"),
            (["203.0.113.7, "], 1, "192.0.2.1"),
            (["2001:db8:1:2:3:4:5:6"], 1, "2001:db8:1:2::/64"),
            (["::ffff:203.0.113.7"], 1, "203.0.113.7"),
        ],
    )
    def test_only_what_our_own_proxies_say_is_believed(
        self, forwarded: list[str], proxies: int, address: str
    ) -> None:
        headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
        scope = {"type": "http", "headers": headers, "client": ("192.0.2.1", 40_000)}

        assert address_of(Request(scope), proxies) == address

    def test_a_socket_without_addresses_is_one_address(self) -> None:
        assert address_of(Request({"type": "http", "headers": [], "client": None}), 0) == ""


@pytest.fixture
def http(shared: Served) -> Iterator[httpx.Client]:
    """Somebody at a service of their own, which others' failures don't reach."""
    with (
        serving(shared.database, shared.data) as url,
        httpx.Client(base_url=url, timeout=20) as found,
    ):
        yield found


def fail(http: httpx.Client, **headers: str) -> httpx.Response:
    """Show wrong tokens until that is refused."""
    for _ in range(2 * int(FAILURES_AT_ONCE)):
        answer = http.get("/v1/status", headers={**WRONG, **headers})
        if answer.status_code != 401:
            return answer
    raise AssertionError("nothing was refused")


def is_slowed_down(http: httpx.Client, path: str, body: object) -> bool:
    """Whether this is refused while too many fail: they may try again five times a second."""
    for _ in range(5):
        fail(http)
        answer = http.post(path, json=body)
        if answer.status_code == 429:
            return refused(answer, 429) == "too-many-requests"
    return False


def test_an_address_that_fails_too_often_is_slowed_down(
    shared: Served, http: httpx.Client, spare: Device
) -> None:
    """For all that a stranger may get wrong; to enrol, whatever they show."""
    spare.http = http
    wrong = {"signature": b64u(bytes(64))}
    asked = {
        "/v1/sessions": {**spare.proof(spare.challenge()), **wrong},
        "/v1/terminals/roll": {**spare.rolling(spare.key), **wrong},
        "/v1/terminals/enrol": Device(http, AUTHORITY).enrolment(invite(shared.operator)),
    }
    answer = fail(http)

    assert refused(answer, 429) == "too-many-requests"
    assert answer.json()["retry"]
    assert answer.headers["retry-after"] == "1"
    for path, body in asked.items():
        assert is_slowed_down(http, path, body), path


def test_what_others_get_wrong_turns_nobody_away(
    shared: Served, http: httpx.Client, spare: Device, carnet: list[str]
) -> None:
    """A good token or signature is answered as if nobody else were at its address."""
    spare.http = http
    good = {"authorization": shared.auditor.http.headers["authorization"]}
    for _ in range(20):
        fail(http)
        assert http.get("/v1/status", headers=good).status_code == 200
    for _ in range(2):
        fail(http)
        spare.open_session()
        fail(http)
        spare.roll()
        fail(http)
        spare.open_session()
    assert answered(spare.redeem(carnet[0]), 201)


def test_a_device_that_was_revoked_is_counted(
    shared: Served, http: httpx.Client, spare: Device
) -> None:
    """It may know its key, and is nobody's any more: it shall not keep us busy."""
    spare.http = http
    shared.operator.done(f"/v1/terminals/{spare.terminal}/revocations", cause="stolen")
    proof = spare.proof(spare.challenge())
    statuses = [http.post("/v1/sessions", json=proof).status_code for _ in range(300)]

    assert statuses[0] == 403
    assert 429 in statuses


@pytest.mark.parametrize("what", ["invitation", "session", "roll"])
def test_every_way_to_guess_is_counted(http: httpx.Client, spare: Device, what: str) -> None:
    spare.http = http
    wrong = {"signature": b64u(bytes(64))}
    path, body = {
        "invitation": (
            "/v1/terminals/enrol",
            Device(http, AUTHORITY).enrolment("t-0123456789ab-" + "0" * 30),
        ),
        "session": ("/v1/sessions", {**spare.proof(spare.challenge()), **wrong}),
        "roll": ("/v1/terminals/roll", {**spare.rolling(spare.key), **wrong}),
    }[what]
    statuses = [http.post(path, json=body).status_code for _ in range(2 * int(FAILURES_AT_ONCE))]

    assert statuses[0] in {401, 404}
    assert 429 in statuses


def test_success_is_not_limited(http: httpx.Client, spare: Device) -> None:
    """Hundreds of devices may share an address."""
    spare.http = http
    for _ in range(int(FAILURES_AT_ONCE) + 10):
        spare.challenge()
    for _ in range(20):
        spare.open_session()


def test_another_address_pays_only_where_nobody_says_whose_it_is(
    shared: Served, http: httpx.Client
) -> None:
    """Behind a proxy that is declared, each client has an address of its own."""
    fail(http, **{"x-forwarded-for": "203.0.113.7"})
    assert http.get("/v1/status", headers={**WRONG, "x-forwarded-for": "::1"}).status_code == 429

    with (
        serving(shared.database, shared.data, proxies=1) as url,
        httpx.Client(base_url=url, timeout=20) as behind,
    ):
        fail(behind, **{"x-forwarded-for": "198.51.100.1, 203.0.113.7"})
        told = {"x-forwarded-for": "198.51.100.2, 203.0.113.7"}
        assert behind.get("/v1/status", headers={**WRONG, **told}).status_code == 429
        told = {"x-forwarded-for": "203.0.113.7, 203.0.113.8"}
        assert behind.get("/v1/status", headers={**WRONG, **told}).status_code == 401


def test_one_device_does_not_fill_the_queue(
    spare: Device, device: Device, carnet: list[str]
) -> None:
    """More than a thousand claims at once are not submitted; others' are taken meanwhile."""
    batch = {"claims": [spare.claim(carnet[0])] * 500}
    with ThreadPoolExecutor(24) as crowd:
        asked = [crowd.submit(spare.post, BATCH, batch) for _ in range(24)]
        while not all(each.done() for each in asked):
            assert device.redeem(carnet[1]).status_code in {201, 409}
    answers = [each.result() for each in asked]
    done = [each for each in answers if each.status_code == 200]
    refusals = [each for each in answers if each not in done]

    assert len(done) >= 2
    assert {(refused(each, 429), each.headers["retry-after"]) for each in refusals} == {
        ("too-many-requests", "1")
    }
    statuses = {verdict["status"] for each in done for verdict in each.json()["verdicts"]}
    assert statuses <= {200, 201}
    assert spare.post(BATCH, batch).status_code == 200


def test_a_device_that_is_refused_without_end_is_slowed_down(
    shared: Served, spare: Device, device: Device, carnet: list[str]
) -> None:
    """Each refusal is kept for good."""
    taken = answered(spare.redeem(carnet[0]), 201)
    batch = {"claims": [spare.claim(carnet[0]) for _ in range(400)]}
    for _ in range(3):
        found = answered(spare.post(BATCH, batch), 200)["verdicts"]
        assert {verdict["status"] for verdict in found} == {409}
    before = shared.query("SELECT count(*) FROM refusals")

    for answer in (spare.post(BATCH, batch), spare.redeem(carnet[1])):
        assert refused(answer, 429) == "too-many-requests"
        assert 100 < int(answer.headers["retry-after"]) <= LONGEST_WAIT
    assert shared.query("SELECT count(*) FROM refusals") == before
    assert answered(device.redeem(carnet[1]), 201)["position"] > taken["position"]


def test_a_batch_of_guesses_is_waited_for_ten_minutes_at_most(spare: Device) -> None:
    answered(spare.post(BATCH, {"claims": [spare.claim("hello") for _ in range(320)]}), 200)
    answer = spare.check("hello")

    assert refused(answer, 429) == "too-many-requests"
    assert 300 < int(answer.headers["retry-after"]) <= LONGEST_WAIT


async def start(shared: Served, *, tls: bool, proxies: int) -> None:
    settings = Settings(data=shared.data, authority=AUTHORITY, tls=tls, proxies=proxies)
    async with running(settings, shared.database):
        pass


def test_a_proxy_that_is_not_counted_is_not_served(shared: Served) -> None:
    """All the world would have one address, and whoever fails would slow all of it down."""
    with pytest.raises(UncountedProxiesError, match="set SOUCHE_PROXIES to how many"):
        asyncio.run(start(shared, tls=True, proxies=0))
    asyncio.run(start(shared, tls=True, proxies=1))
    asyncio.run(start(shared, tls=False, proxies=0))
