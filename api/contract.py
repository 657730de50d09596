"""The bodies of the terminals' routes: what is read, what is answered, nothing else.

Declared once, for the parser and for the OpenAPI document.
"""

from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.decisions.programmes import LARGEST_CLAIM
from ledger.values.ids import NAME_PATTERN, UUID_PATTERN

LARGEST_BATCH: Final = 500  # claims

# `$` alone would let a line feed stand behind the last character.
_END = r"(?!\n)"

Uuid = Annotated[str, Meta(pattern=UUID_PATTERN + _END)]
_NEW_ID = (
    "Any version, lower case. The device makes it and keeps it before it sends: "
    "each retry says the same."
)
NewId = Annotated[Uuid, Meta(description=_NEW_ID)]
NewClaimId = Annotated[
    Uuid,
    Meta(
        description=f"{_NEW_ID} A retry is compared with the carnet's first claim of this id: the "
        "terminal, the tickets, `service_code` and `workshop_id`. Where one differs, the answer is "
        "`command-id-reused`. Neither `sequence` nor the codes' secrets are compared."
    ),
]
Code = Annotated[str, Meta(min_length=1, max_length=64, examples=["BFC22-0001234-03-Y5XC1KP-2"])]
Codes = Annotated[list[Code], Meta(min_length=1, max_length=LARGEST_CLAIM)]
Sequence = Annotated[
    int,
    Meta(
        ge=0,
        le=2**53 - 1,
        description="Counted by the device, one more for each claim. It is kept as evidence: of a "
        "terminal that was cloned, two count the same. A retry is not compared by it.",
    ),
]
Label = Annotated[str, Meta(pattern=NAME_PATTERN + _END)]


class RedemptionRequest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Take all these tickets of one carnet for a workshop, or none."""

    claim_id: NewClaimId
    codes: Codes
    sequence: Sequence
    service_code: Label | None = None
    workshop_id: Label | None = None


class BatchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Claims, each decided on its own.

    They are taken in this order; whatever is about to be refused is decided once more after the
    others.
    """

    claims: Annotated[list[RedemptionRequest], Meta(min_length=1, max_length=LARGEST_BATCH)]


class VoidRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Take a redemption back: all of it. The codes say which carnet it is on."""

    void_id: NewId
    codes: Annotated[
        Codes,
        Meta(
            description="All the codes that the claim took, and no others: with some of them "
            "missing, the answer is `claim-unknown`, as for a claim that is not on this carnet."
        ),
    ]


class CheckRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Ask whether these tickets would be taken now. No effect."""

    codes: Codes


class RedemptionReceipt(msgspec.Struct, gc=False, omit_defaults=True):
    """The redemption is durable: it stands in the log at `position`."""

    claim_id: str
    position: int
    carnet: str
    tickets: tuple[int, ...]
    amount_cents: int
    venue: str
    served_at: datetime
    served_on: date
    replayed: bool
    voided: bool = False  # since; told to a retry


class Verdict(msgspec.Struct, gc=False, omit_defaults=True):
    """What became of one claim of a batch: a receipt with status 200 or 201, or a problem.

    Parts that are empty, 0 or false are left out.
    """

    claim_id: str
    status: int
    position: int = 0
    carnet: str = ""
    tickets: tuple[int, ...] = ()
    amount_cents: int = 0
    venue: str = ""
    served_at: datetime | None = None
    served_on: date | None = None
    replayed: bool = False
    voided: bool = False
    type: str = ""
    title: str = ""
    title_fr: str = ""
    reason: str = ""
    retry: bool = False
    detail: str = ""
    redeemed_at: str = ""


class BatchAnswer(msgspec.Struct):
    """A verdict for each claim, in the order of the claims."""

    verdicts: list[Verdict]


class VoidReceipt(msgspec.Struct):
    """The redemption was taken back; its tickets can be used again."""

    void_id: str
    claim_id: str
    position: int
    tickets: tuple[int, ...]
    amount_cents: int
    replayed: bool


class CheckAnswer(msgspec.Struct, omit_defaults=True):
    """Whether the tickets would be taken now; the terminal tells the person, not the reason why."""

    redeemable: bool
    reason: str = ""
    carnet: str = ""
    tickets: tuple[int, ...] = ()
    amount_cents: int = 0
    usable_until: str = ""  # the last day, inclusive
