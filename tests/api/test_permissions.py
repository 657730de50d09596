"""Every route says who may use it; whoever is not named is denied."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from api.app import create_app
from ledger.postgres import Database
from ledger.settings import Settings
from tests.api.ledgers import Served
from tests.api.operating import Desk

ANYBODY: Final = "anybody"  # it proves itself in the body, or there is nothing to hide
TERMINAL: Final = "terminal"  # signed
OPERATOR: Final = "operator"
APPROVER: Final = "approver"
READER: Final = "reader"  # any token

PERMISSIONS: Final = {
    "GET /docs": ANYBODY,
    "GET /healthz": ANYBODY,
    "GET /openapi.json": ANYBODY,
    "GET /v1/problems": ANYBODY,
    "POST /v1/challenges": ANYBODY,
    "POST /v1/sessions": ANYBODY,
    "POST /v1/terminals/enrol": ANYBODY,
    "POST /v1/terminals/roll": ANYBODY,
    "POST /v1/checks": TERMINAL,
    "POST /v1/redemptions": TERMINAL,
    "POST /v1/redemptions/batch": TERMINAL,
    "POST /v1/redemptions/{claim_id}/void": TERMINAL,
    "GET /v1/balances": READER,
    "GET /v1/carnets/{carnet}": READER,
    "GET /v1/events/{position}": READER,
    "GET /v1/exposure": READER,
    "GET /v1/payment-runs/{run}": READER,
    "GET /v1/payouts": READER,
    "GET /v1/payouts/{venue}": READER,
    "GET /v1/programmes/{programme}/exposure": READER,
    "GET /v1/programmes/{programme}/orders": READER,
    "GET /v1/programmes/{programme}/redemptions": READER,
    "GET /v1/status": READER,
    "GET /v1/trial-balance": READER,
    "POST /v1/carnets/{carnet}/assignments": OPERATOR,
    "POST /v1/holders": OPERATOR,
    "POST /v1/payment-runs": OPERATOR,
    "POST /v1/payment-runs/{run}/approve": APPROVER,
    "POST /v1/payment-runs/{run}/draft": OPERATOR,
    "POST /v1/payment-runs/{run}/pay": OPERATOR,
    "POST /v1/payment-runs/{run}/submit": OPERATOR,
    "POST /v1/payment-runs/{run}/withdraw": OPERATOR,
    "POST /v1/programmes": OPERATOR,
    "POST /v1/programmes/{programme}/activations": OPERATOR,
    "POST /v1/programmes/{programme}/close": OPERATOR,
    "POST /v1/programmes/{programme}/funding": OPERATOR,
    "POST /v1/programmes/{programme}/orders": OPERATOR,
    "POST /v1/programmes/{programme}/orders/{order}/chunks": OPERATOR,
    "POST /v1/programmes/{programme}/rules": OPERATOR,
    "POST /v1/terminals": OPERATOR,
    "POST /v1/terminals/{terminal}/revocations": OPERATOR,
    "POST /v1/transfers": OPERATOR,
    "POST /v1/venues": OPERATOR,
    "POST /v1/venues/{venue}/qualifications": OPERATOR,
    "POST /v1/venues/{venue}/resumptions": OPERATOR,
    "POST /v1/venues/{venue}/suspensions": OPERATOR,
    "POST /v1/venues/{venue}/withdrawals": OPERATOR,
}
SCHEMES: Final[dict[str, object]] = {
    ANYBODY: None,
    TERMINAL: [{"TerminalSignature": []}],
    OPERATOR: [{"HTTPBearer": []}],
    APPROVER: [{"HTTPBearer": []}],
    READER: [{"HTTPBearer": []}],
}


def routes() -> Iterator[tuple[str, object]]:
    """Each route that there is, documented or not, with the security that its document states."""
    app = create_app(Settings(), Database("", "", "")).cold
    document = app.openapi()["paths"]
    for context in iter_route_contexts(app.routes):
        for method in (context.methods or set()) - {"HEAD"}:
            operation = document.get(context.path, {}).get(method.lower(), {})
            yield f"{method} {context.path}", operation.get("security")
    for path, operations in document.items():  # the hot routes are none of the framework's
        for method, operation in operations.items():
            yield f"{method.upper()} {path}", operation.get("security")


def test_every_route_declares_who_may_use_it() -> None:
    found = dict(routes())

    assert found.keys() == PERMISSIONS.keys()
    assert found == {route: SCHEMES[who] for route, who in PERMISSIONS.items()}


def ask(http: httpx.Client, route: str) -> httpx.Response:
    """Ask with a body that nobody accepts: whoever is let in is told so."""
    method, path = route.split()
    path = path.replace("{position}", "1").replace("{venue}", "21250056500016")
    path = path.replace("{claim_id}", "0190f5fe-7c00-7a00-8abc-0123456789ab")
    path = path.replace("{programme}", "BFC22").replace("{terminal}", "t-0123456789ab")
    path = path.replace("{carnet}", "BFC22-9999999").replace("{run}", "none")
    path = path.replace("{order}", "none")
    return http.request(method, path, json={} if method == "POST" else None)


CLOSED: Final = [route for route, who in PERMISSIONS.items() if who is not ANYBODY]


@pytest.mark.parametrize("route", CLOSED)
def test_nobody_is_let_in_without_credentials(client: httpx.Client, route: str) -> None:
    answer = ask(client, route)

    assert answer.status_code == 401
    assert answer.json()["reason"] == "unauthenticated"


@pytest.mark.parametrize("route", CLOSED)
def test_a_wrong_token_is_none(shared: Served, route: str) -> None:
    with closing(Desk(shared.url, "souche_" + "x" * 43)) as stranger:
        assert ask(stranger.http, route).status_code == 401


@pytest.mark.parametrize("route", [route for route in CLOSED if PERMISSIONS[route] != TERMINAL])
def test_each_role_is_let_in_where_it_belongs(shared: Served, route: str) -> None:
    allowed = {
        OPERATOR: {"operator"},
        APPROVER: {"approver"},
        READER: {"operator", "approver", "auditor"},
    }[PERMISSIONS[route]]
    desks = {"operator": shared.operator, "approver": shared.approver, "auditor": shared.auditor}
    before = shared.log_size()

    let_in = {role for role, desk in desks.items() if ask(desk.http, route).status_code != 403}

    assert let_in == allowed
    assert shared.log_size() == before


@pytest.mark.parametrize("route", [r for r in CLOSED if PERMISSIONS[r] == TERMINAL])
def test_a_token_signs_nothing_for_a_terminal(shared: Served, route: str) -> None:
    assert ask(shared.operator.http, route).status_code == 401


@pytest.mark.parametrize(
    "name", ["The-Operator", "the-operator ", "ope\u0301ratrice", "", "a" * 41]
)
def test_a_person_has_one_name(shared: Served, name: str) -> None:
    """Who submits must not approve under what only looks like another name."""
    with pytest.raises(ValueError, match="lower-case"):
        shared.make_token(shared.database, name, "approver")


def test_a_revoked_token_is_none(shared: Served) -> None:
    with closing(shared.new_desk("leaving", "auditor")) as desk:
        assert desk.http.get("/v1/status").status_code == 200

        shared.as_owner("UPDATE api_tokens SET revoked_at = now() WHERE actor = 'person:leaving'")

        assert desk.http.get("/v1/status").status_code == 401
