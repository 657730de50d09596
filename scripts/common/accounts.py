"""What the accounts of the books are, for people."""

from typing import Final

from ledger.journal import (
    BANK,
    CIRCULATION,
    FUNDER_ADVANCES,
    FUNDER_RECEIVABLE,
    IN_TRANSIT,
    VENUE_PAYABLE,
)

# What stands before the first colon of an account → what it is.
MEANING: Final = {
    VENUE_PAYABLE: "owed to venues",
    FUNDER_RECEIVABLE: "owed by funders",
    FUNDER_ADVANCES: "funders' advances",
    CIRCULATION: "tickets in circulation",
    BANK: "bank",
    IN_TRANSIT: "payments under way",
}
LEGEND: Final = ", ".join(f"{code} {told}" for code, told in MEANING.items()) + "."


def meaning_of(account: str) -> str:
    """What an account is: `tickets in circulation` of `467:BFC22:2022`."""
    return MEANING[account.partition(":")[0]]
