"""Refusals and their reasons. They are returned, not raised, since nothing is broken."""

from enum import StrEnum, unique

import msgspec


@unique
class Reason(StrEnum):
    """Every reason, the weightiest first: of two that hold, the one listed earlier is given.

    So a used ticket is still `ticket-already-redeemed` when its carnet has expired. Programs at the
    other end of HTTP compare the values: new ones may join, and none is ever renamed.
    """

    # Any command.
    COMMAND_ID_REUSED = "command-id-reused"
    LEDGER_HAS_STARTED = "ledger-has-started"
    # Who asks.
    TERMINAL_UNKNOWN = "terminal-unknown"
    TERMINAL_REVOKED = "terminal-revoked"
    SESSION_ENDED = "session-ended"
    SAME_PERSON = "same-person"
    # Terminals.
    VENUE_UNKNOWN = "venue-unknown"
    INVITATION_UNKNOWN = "invitation-unknown"
    INVITATION_USED = "invitation-used"
    INVITATION_EXPIRED = "invitation-expired"
    KEY_USED = "key-used"
    TOO_MANY_ROLLS = "too-many-rolls"
    # What is asked about. A code that is wrong and one that doesn't exist look the same.
    CODE_UNKNOWN = "code-unknown"
    CLAIM_UNKNOWN = "claim-unknown"
    CLAIM_VOIDED = "claim-voided"
    PROGRAMME_UNKNOWN = "programme-unknown"
    PROGRAMME_EXISTS = "programme-exists"
    PARENT_UNKNOWN = "parent-unknown"
    ORDER_UNKNOWN = "order-unknown"
    ORDER_EXISTS = "order-exists"
    HOLDER_UNKNOWN = "holder-unknown"
    HOLDER_EXISTS = "holder-exists"
    CARNET_UNKNOWN = "carnet-unknown"
    TICKET_UNKNOWN = "ticket-unknown"
    CARNET_EXISTS = "carnet-exists"
    VENUE_EXISTS = "venue-exists"
    RUN_UNKNOWN = "run-unknown"
    RUN_EXISTS = "run-exists"
    FUNDING_RECORDED = "funding-recorded"
    FUNDER_UNKNOWN = "funder-unknown"
    # The programme and its rules.
    RULES_UNPUBLISHED = "rules-unpublished"
    RULES_OUT_OF_ORDER = "rules-out-of-order"
    PROGRAMME_CLOSED = "programme-closed"
    SIZE_NOT_OFFERED = "size-not-offered"
    MILLESIME_NOT_OFFERED = "millesime-not-offered"
    CAP_EXCEEDED = "cap-exceeded"
    ORDER_EXCEEDED = "order-exceeded"
    FUNDING_INSUFFICIENT = "funding-insufficient"
    # The tickets.
    TICKET_ALREADY_REDEEMED = "ticket-already-redeemed"
    CARNET_ALREADY_ACTIVATED = "carnet-already-activated"
    CARNET_NOT_ACTIVATED = "carnet-not-activated"
    HOLDER_DIFFERS = "holder-differs"
    TICKET_ALREADY_ASSIGNED = "ticket-already-assigned"
    TICKET_NOT_ASSIGNED = "ticket-not-assigned"
    CARNET_EXPIRED = "carnet-expired"
    CARNET_NOT_YET_VALID = "carnet-not-yet-valid"
    DISTRIBUTION_ENDED = "distribution-ended"
    TOO_MANY_TICKETS = "too-many-tickets"
    # The venue.
    VENUE_NOT_QUALIFIED = "venue-not-qualified"
    VENUE_SUSPENDED = "venue-suspended"
    VENUE_OUT_OF_AREA = "venue-out-of-area"
    SERVICE_NOT_OFFERED = "service-not-offered"
    VENUE_DIFFERS = "venue-differs"
    VENUE_NOT_SUSPENDED = "venue-not-suspended"
    # Time and money already settled.
    VOID_TOO_LATE = "void-too-late"
    CUTOFF_PASSED = "cutoff-passed"
    TOO_MANY_VOIDS = "too-many-voids"
    RUN_OPEN = "run-open"
    RUN_IN_ANOTHER_STATE = "run-in-another-state"
    RUN_DIGEST_DIFFERS = "run-digest-differs"


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A refusal and what an operator may need to explain it. Never a code, never a name."""

    reason: Reason
    rule_version: int | None = None  # the rules it was decided under, where there are any
    detail: dict[str, str | int] = {}
