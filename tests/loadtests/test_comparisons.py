"""Both comparisons do what a ledger must at least do: a ticket is redeemed once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from types import ModuleType

import pytest

from ledger.postgres import Database
from loadtests import afternoon, textbook
from loadtests.serving import ServingError, serving
from loadtests.wire import new_claim_id

pytestmark = pytest.mark.slow

REDEMPTION = {"carnet": "BFC22-0000002", "ticket": 1, "venue": "v-1"}


@pytest.fixture(scope="module", params=[afternoon, textbook], ids=["afternoon", "textbook"])
def authority(request: pytest.FixtureRequest, module_database: Database) -> Iterator[str]:
    comparison: ModuleType = request.param
    comparison.seed(module_database.owner, carnets=3, tickets=5)
    environment = {"LOADTEST_DATABASE": module_database.owner}
    with serving(f"{comparison.__name__}:create_app", environment) as found:
        yield found


def post(authority: str, **changes: object) -> tuple[int, dict[str, object]]:
    body = {"claim_id": new_claim_id(0), **REDEMPTION, **changes}
    connection = HTTPConnection(authority, timeout=30)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/redemptions", json.dumps(body), headers)
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer


def test_of_twenty_at_once_one_redeems_the_ticket(authority: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(authority), range(20)))

    assert sorted(status for status, _ in answers) == [201] + 19 * [409]
    assert [body["amount_cents"] for status, body in answers if status == 201] == [1000]


def test_what_it_does_not_know_it_refuses(authority: str) -> None:
    assert post(authority, carnet="BFC22-0000004")[0] == 404
    assert post(authority, ticket=0)[0] == 422
    assert post(authority, ticket=5)[0] == 201
    assert post(authority, ticket=6)[0] == 404


def test_an_application_that_does_not_start_is_an_error() -> None:
    with pytest.raises(ServingError), serving("json:nothing", {}):
        pass
