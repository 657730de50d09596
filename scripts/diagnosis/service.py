"""Whether the ledger is served at all. A service on another host can't be seen from here."""

from collections.abc import Iterator
from typing import Final

from scripts.diagnosis.finding import Finding, Patient, Verdict
from scripts.service.notice import find_service

NONE: Final = "no service runs on this folder on this host"
ADVICE: Final = (
    "No terminal can redeem, unless another host serves this ledger: start it with `souche serve`."
)


def service(patient: Patient) -> Iterator[Finding]:
    """Where terminals reach the ledger."""
    authority = find_service(patient.settings.data)
    if authority is None:
        yield Finding("service", Verdict.WARNING, NONE, ADVICE)
    else:
        yield Finding("service", Verdict.GOOD, f"at {authority}")
