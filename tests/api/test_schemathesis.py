"""Requests that schemathesis makes up from the document: no answer that the document has not."""

from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from api import reading
from tests.api.asking import DOCUMENT
from tests.api.ledgers import Served

pytestmark = pytest.mark.slow

LEFT_OUT: Final = {
    "ignored_auth",  # it can't take back a header that we add; `test_permissions` does it
    "not_a_server_error",  # 503 is an answer to a position that is far away; see below
    "positive_data_acceptance",  # the document can't say what a check digit is
}
# Terminals sign what they send, which nothing here can do.
OPERATORS: Final = schemathesis.openapi.from_dict(DOCUMENT).exclude(tag="terminals")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.05)


@OPERATORS.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,  # it makes up queries that come to nothing, and expects a refusal
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_in_the_document(shared: Served, case: schemathesis.Case[Any]) -> None:
    desk = shared.approver if case.path.endswith("/approve") else shared.operator
    chosen: list[Any] = CHECKS.get_by_names(
        [name for name in CHECKS.get_all_names() if name not in LEFT_OUT]
    )
    answer = case.call_and_validate(
        base_url=shared.url,
        headers={"authorization": desk.http.headers["authorization"]},
        checks=chosen,
    )
    assert answer.status_code < 500 or answer.json()["reason"] == "lagging"
