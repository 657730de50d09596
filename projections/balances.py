"""Account balances: what the journal's entries add up to.

Debit positive, credit negative. Each entry sums to zero, so all accounts together do.
"""

from dataclasses import dataclass

from psycopg.rows import class_row

from ledger.facts import (
    FundingOrdered,
    FundingReceived,
    RedemptionVoided,
    TicketsActivated,
    TicketsRedeemed,
    VenueReimbursed,
)
from ledger.log.arrays import Numbers, Texts
from projections.batch import Batch
from projections.projection import AsyncConnection, Connection, Projection

DDL = """
CREATE TABLE account_balances (
    account text PRIMARY KEY,
    balance_cents bigint NOT NULL,
    postings bigint NOT NULL
) WITH (fillfactor = 50)
"""

ADD = """
INSERT INTO account_balances AS kept (account, balance_cents, postings)
SELECT * FROM unnest(%b::text[], %b::bigint[], %b::bigint[])
ON CONFLICT (account) DO UPDATE
    SET balance_cents = kept.balance_cents + excluded.balance_cents,
        postings = kept.postings + excluded.postings
"""


@dataclass(slots=True)
class Movement:
    """What a batch adds to an account."""

    cents: int = 0
    postings: int = 0


def net_movements(batch: Batch) -> dict[str, Movement]:
    """What a batch moves on each account; over all accounts the cents come to zero."""
    net: dict[str, Movement] = {}
    for alike in batch.alike:
        for posting in alike.postings:
            movement = net.setdefault(posting.account, Movement())
            movement.cents += posting.amount_cents
            movement.postings += alike.facts
    return net


def write(connection: Connection, net: dict[str, Movement]) -> None:
    """Add a batch's movements to the balances."""
    if net:
        cents = Numbers(movement.cents for movement in net.values())
        postings = Numbers(movement.postings for movement in net.values())
        connection.execute(ADD, [Texts(net), cents, postings])


BALANCES = Projection(
    name="balances",
    version=1,
    tables=("account_balances",),
    ddl=DDL,
    wants=frozenset(
        {
            FundingOrdered,
            FundingReceived,
            RedemptionVoided,
            TicketsActivated,
            TicketsRedeemed,
            VenueReimbursed,
        }
    ),
    summarise=net_movements,
    write=write,
)


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """One account of the books."""

    account: str
    balance_cents: int  # debit positive
    postings: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts together."""

    accounts: int
    postings: int
    debit_cents: int  # of the accounts with a debit balance
    credit_cents: int  # of the others; negative

    @property
    def balanced(self) -> bool:
        return self.debit_cents + self.credit_cents == 0


async def list_balances(connection: AsyncConnection, prefix: str = "") -> list[AccountBalance]:
    """The accounts whose name starts with `prefix` (`401:`: every venue), by name."""
    cursor = connection.cursor(row_factory=class_row(AccountBalance))
    await cursor.execute(
        "SELECT account, balance_cents, postings FROM account_balances"
        " WHERE starts_with(account, %s) ORDER BY account",
        [prefix],
    )
    return await cursor.fetchall()


async def trial_balance(connection: AsyncConnection) -> TrialBalance:
    """The sums of all accounts. An auditor's first question is whether they balance."""
    cursor = connection.cursor(row_factory=class_row(TrialBalance))
    await cursor.execute(
        "SELECT count(*) AS accounts, coalesce(sum(postings), 0)::bigint AS postings,"
        " coalesce(sum(balance_cents) FILTER (WHERE balance_cents > 0), 0)::bigint AS debit_cents,"
        " coalesce(sum(balance_cents) FILTER (WHERE balance_cents < 0), 0)::bigint AS credit_cents"
        " FROM account_balances"
    )
    return await anext(aiter(cursor))
