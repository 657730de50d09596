"""`python -m loadtests.check HISTORY`: hold what terminals were told against the books.

Leaves with 1 when anything differs.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ledger.postgres import Database, open_database
from loadtests.books import Books, read_books
from loadtests.following import following, look
from loadtests.history import Redeemed, Told, Voided, read_history
from projections.connecting import reader_conninfo

PATIENCE = 60.0  # seconds for the read models to catch up
SHOWN = 10  # differences of a kind

BALANCES = "SELECT account, balance_cents FROM account_balances WHERE balance_cents <> 0"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts to publish, and every difference in words."""

    acknowledged: int  # receipts of redemptions and voids
    lost: list[str]  # acknowledged, and not in the log as it was told
    duplicated: list[str]
    retried: int  # claims whose outcome was unknown at first
    unanswered: int  # and those whose outcome stayed unknown
    others: list[str]  # every other difference

    @property
    def holds(self) -> bool:
        """Whether the books are what terminals were told."""
        return not (self.lost or self.duplicated or self.others)

    def lines(self) -> Iterator[str]:
        """The counts, then the first differences of each kind."""
        yield (
            f"{self.acknowledged} acknowledged, {len(self.lost)} lost, "
            f"{len(self.duplicated)} duplicated; {self.retried} unknown at first, "
            f"{self.unanswered} to the end"
        )
        for title, found in (
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("wrong", self.others),
        ):
            yield from (f"{title}: {each}" for each in found[:SHOWN])
            if len(found) > SHOWN:
                yield f"{title}: and {len(found) - SHOWN} more"


def compare(told: Told, books: Books) -> Verdict:
    """Hold a history against the log; what terminals that it doesn't know did is their affair."""
    lost = [f"{entry}" for entry in told.receipts.values() if not _stands(entry, books)]
    terminals = {f"terminal:{terminal}" for terminal in told.asked.values()}
    recorded = {
        each
        for made in (books.redemptions, books.voids)
        for each, found in made.items()
        if found.actor in terminals
    }
    others = [
        *books.faults,
        *(f"answered twice, the second time {entry}" for entry in told.contradicted),
        *(f"in the log, and never asked for: {each}" for each in recorded - told.asked.keys()),
        *(f"in the log, and refused: {each}" for each in recorded & told.refused.keys()),
    ]
    return Verdict(
        acknowledged=len(told.receipts),
        lost=lost,
        duplicated=books.duplicates,
        retried=len(told.unknown),
        unanswered=len(told.unanswered),
        others=others,
    )


def _stands(entry: Redeemed | Voided, books: Books) -> bool:
    """Whether the log has just what was acknowledged."""
    if isinstance(entry, Voided):
        void = books.voids.get(entry.id)
        return void is not None and (void.position, void.claim_id) == (
            entry.position,
            entry.claim_id,
        )
    found = books.redemptions.get(entry.id)
    return found is not None and (
        found.position,
        found.carnet,
        found.tickets,
        found.amount_cents,
    ) == (entry.position, entry.carnet, entry.tickets, entry.amount_cents)


def read_model_faults(database: Database, books: Books) -> Iterator[str]:
    """Hold the projected balances against the log's, once the lag is gone."""
    with psycopg.connect(reader_conninfo(database), autocommit=True) as connection:
        until = time.monotonic() + PATIENCE
        while (seen := look(connection, database)).position < books.size:
            if seen.at > until:
                yield f"the read models are at {seen.position} of {books.size}"
                return
            time.sleep(0.05)
        projected: dict[str, int] = dict(connection.execute(BALANCES).fetchall())
    if total := sum(projected.values()):
        yield f"trial balance from the projection: {total} cents"
    for account in sorted(projected.keys() | books.balances.keys()):
        live, log = projected.get(account, 0), books.balances[account]
        if live != log:
            yield f"account {account}: {live} cents in the projection, {log} from the log"


def check(database: Database, history: Path) -> Verdict:
    """Audit a ledger, which nobody extends meanwhile and whose followers run."""
    books = read_books(database)
    verdict = compare(read_history(history), books)
    verdict.others.extend(read_model_faults(database, books))
    return verdict


def main() -> None:
    """Audit the ledger in a data folder."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.check", description=__doc__)
    parser.add_argument("history", type=Path, help="what `History` wrote")
    parser.add_argument("--data", type=Path, default=Path("var/ledger"), help="the data folder")
    asked = parser.parse_args()
    # It adds nothing that could be lost, and what has been lost is what it looks for.
    with open_database(asked.data, accept_losses=True) as database, following(database):
        verdict = check(database, asked.history)
    print(*verdict.lines(), sep="\n")
    sys.exit(0 if verdict.holds else 1)


if __name__ == "__main__":
    main()
