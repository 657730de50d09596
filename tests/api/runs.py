"""Payment runs by HTTP: the steps that several tests go through."""

from typing import Any, Final

from tests.api.ledgers import Served
from tests.api.operating import answered

RUNS: Final = "/v1/payment-runs"


def drafted(service: Served, run: str) -> str:
    """A run with a draft; its digest."""
    service.operator.done(RUNS, run=run)
    service.operator.done(f"{RUNS}/{run}/draft")
    digest: str = service.operator.got(f"{RUNS}/{run}")["digest"]
    return digest


def approved(service: Served, run: str) -> None:
    digest = drafted(service, run)
    service.operator.done(f"{RUNS}/{run}/submit")
    service.approver.done(f"{RUNS}/{run}/approve", digest=digest)


def pay(service: Served, run: str, status: int = 201) -> dict[str, Any]:
    return answered(service.operator.http.post(f"{RUNS}/{run}/pay"), status)
