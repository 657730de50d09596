"""The log, audited by somebody who trusts nothing: not the writer, not the columns, not the tables.

Written without the ledger's own folds, so that a mistake in them does not hide itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import psycopg

from ledger.facts import Event, RedemptionVoided, TicketsRedeemed
from ledger.facts.codec import UnreadableEventError, decode, tag_of
from ledger.journal import entry_for
from ledger.postgres import Database

ROWS = """
SELECT notification_id, originator_id, originator_version, topic, state FROM events
ORDER BY notification_id
"""
FETCH = 10_000

Row = tuple[int, str, int, str, bytes]  # position, stream, version, topic, state


@dataclass(frozen=True, slots=True)
class Redemption:
    """One that stands in the log."""

    position: int
    carnet: str
    tickets: tuple[int, ...]
    amount_cents: int
    actor: str


@dataclass(frozen=True, slots=True)
class Void:
    """One that stands in the log."""

    position: int
    claim_id: str
    actor: str


@dataclass(slots=True)
class Books:
    """What the log adds up to, and what is wrong with it."""

    size: int = 0
    redemptions: dict[str, Redemption] = field(default_factory=dict)  # by claim id
    voids: dict[str, Void] = field(default_factory=dict)  # by its own id
    balances: Counter[str] = field(default_factory=Counter)  # cents, by account
    duplicates: list[str] = field(default_factory=list)  # tickets or claims taken twice
    faults: list[str] = field(default_factory=list)  # whatever else must not be
    _versions: Counter[str] = field(default_factory=Counter)  # by stream
    _taken: dict[tuple[str, int], str] = field(default_factory=dict)  # ticket → claim id

    @property
    def redeemed_tickets(self) -> int:
        """Net of voids."""
        return len(self._taken)

    def add(self, row: Row) -> None:
        """Take the next row of the log in."""
        position, stream, version, topic, state = row
        if position != self.size + 1:
            self.faults.append(f"position {position} follows {self.size}")
        if version != self._versions[stream] + 1:
            self.faults.append(f"{stream}: version {version} follows {self._versions[stream]}")
        self.size, self._versions[stream] = position, version
        try:
            event = decode(state)
        except UnreadableEventError as e:
            self.faults.append(f"position {position} can't be read: {e}")
            return
        if (event.stream, event.version, tag_of(type(event.fact))) != (stream, version, topic):
            self.faults.append(f"position {position}: the columns say {stream}, {version}, {topic}")
        self._take_in(event, position)

    def _take_in(self, event: Event, position: int) -> None:
        match event.fact:
            case TicketsRedeemed():
                self._redeem(event, event.fact, position)
            case RedemptionVoided():
                self._void(event, event.fact, position)
            case _:
                pass
        if (entry := entry_for(event.fact)) is not None:
            for posting in entry.postings:
                self.balances[posting.account] += posting.amount_cents

    def _redeem(self, event: Event, fact: TicketsRedeemed, position: int) -> None:
        claim = event.command_id
        if claim in self.redemptions:
            self.duplicates.append(f"claim {claim} again at position {position}")
        for ticket in fact.tickets:
            holder = self._taken.setdefault((event.stream, ticket), claim)
            if holder != claim:
                self.duplicates.append(f"{event.stream}, ticket {ticket}: {holder}, then {claim}")
        self.redemptions[claim] = Redemption(
            position,
            event.stream.removeprefix("carnet:"),
            fact.tickets,
            fact.amount_cents,
            event.actor,
        )

    def _void(self, event: Event, fact: RedemptionVoided, position: int) -> None:
        if fact.claim_id not in self.redemptions:
            self.faults.append(f"position {position} voids {fact.claim_id}, which never was")
        for ticket in fact.tickets:
            if self._taken.get((event.stream, ticket)) != fact.claim_id:
                self.faults.append(f"position {position} voids what {fact.claim_id} did not hold")
            self._taken.pop((event.stream, ticket), None)
        self.voids[event.command_id] = Void(position, fact.claim_id, event.actor)


def add_up(rows: Iterable[Row], size: int) -> Books:
    """Audit the rows of a log that says that it has `size` events."""
    books = Books()
    for row in rows:
        books.add(row)
    if books.size != size:
        books.faults.append(f"the head says {size} events, the last position is {books.size}")
    if total := sum(books.balances.values()):
        books.faults.append(f"trial balance from the log: {total} cents")
    return books


def read_books(database: Database) -> Books:
    """Audit a ledger's log, in one snapshot."""
    with psycopg.connect(database.projector) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT size FROM log_head").fetchone()
        return add_up(_rows(connection), int(row[0]) if row else 0)


def _rows(connection: psycopg.Connection[Row]) -> Iterator[Row]:
    with connection.cursor("log", binary=True) as cursor:  # named: kept by the server
        cursor.itersize = FETCH
        yield from cursor.execute(ROWS)
