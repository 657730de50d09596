"""Who and what the examples are about."""

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from ledger.values.codes import Pepper
from ledger.values.ids import (
    BeneficiaryId,
    ClaimId,
    HolderId,
    OrderId,
    ProgrammeId,
    RunId,
    VenueId,
    derived_id,
    terminal_id,
)

PROGRAMME = ProgrammeId("BFC22")
MILLESIME = 2022
REGION = HolderId("region-bfc")
TOWN_HALL = HolderId("mairie-de-lure")
ORDER = OrderId("order-1")
BENEFICIARY = BeneficiaryId(derived_id("beneficiary", 1))
VENUE = VenueId("21250056500016")
OTHER_VENUE = VenueId("21700310200019")
TERMINAL = terminal_id("invitation-1")
OTHER_TERMINAL = terminal_id("invitation-2")
CLAIM = ClaimId(derived_id("claim", 1))
RUN = RunId("2022-06")
OPERATOR = "operator:first"
APPROVER = "operator:second"
SEED = bytes(range(32))
PEPPERS = {"2022": Pepper(b"a pepper for the tests, 32 bytes")}
INVITATION = "an invitation code"
INVITED_UNTIL = datetime(2022, 6, 1, 8, 10, tzinfo=UTC)
KEY = "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"
FINGERPRINT = "139e3940e64b5491"
NEW_KEY = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w"
NEW_FINGERPRINT = "34750f98bd59fcfc"
NOW = datetime(2022, 6, 1, 8, 0, tzinfo=UTC)  # ten in the morning in Paris

T = TypeVar("T", bound=msgspec.Struct)


def with_changes(example: T, changes: dict[str, Any]) -> T:
    """The example with some fields replaced."""
    return msgspec.structs.replace(example, **changes)
