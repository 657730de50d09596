"""What has to hold in any log, said without the program's own decisions and folds."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from ledger.facts import Event, RedemptionVoided, TerminalRevoked, TicketsRedeemed
from ledger.journal import entry_for
from ledger.values.clock import minute_of
from ledger.values.ids import StreamId, VenueId


class Rules:
    """Takes the events in the order of their positions; says what is wrong with each."""

    def __init__(self) -> None:
        self._versions: Counter[StreamId] = Counter()
        self._minute = 0
        self._takers: dict[tuple[StreamId, int], str] = {}  # ticket → claim that holds it
        self._revoked: set[str] = set()  # actors
        self.balances: Counter[str] = Counter()

    def broken_by(self, event: Event) -> Iterator[str]:
        yield from self._place(event)
        yield from self._tickets(event)
        yield from self._terminals(event)
        yield from self._books(event)

    def refused(self, at: datetime) -> None:
        """Something was refused at this instant. What comes later is not recorded before it."""
        self._minute = max(self._minute, minute_of(at))

    def owed(self) -> dict[VenueId, int]:
        """What is owed to each venue now, in cents."""
        balances = {VenueId(a[4:]): -b for a, b in self.balances.items() if a.startswith("401:")}
        return {venue: cents for venue, cents in balances.items() if cents > 0}

    def _place(self, event: Event) -> Iterator[str]:
        self._versions[event.stream] += 1
        if event.version != self._versions[event.stream]:
            yield f"version {event.version} where {self._versions[event.stream]} comes next"
        minute = minute_of(event.recorded_at)
        if minute < self._minute:
            yield f"recorded {self._minute - minute} minutes before what was decided before it"
        self._minute = max(minute, self._minute)

    def _tickets(self, event: Event) -> Iterator[str]:
        match event.fact:
            case TicketsRedeemed(tickets=tickets):
                for ticket in tickets:
                    if (taker := self._takers.get((event.stream, ticket))) is not None:
                        yield f"ticket {ticket} was already taken by claim {taker}"
                    self._takers[event.stream, ticket] = event.command_id
            case RedemptionVoided(tickets=tickets, claim_id=claim_id):
                for ticket in tickets:
                    if self._takers.pop((event.stream, ticket), None) != claim_id:
                        yield f"claim {claim_id} did not hold ticket {ticket}"
            case _:
                pass

    def _terminals(self, event: Event) -> Iterator[str]:
        if event.actor in self._revoked:
            yield f"{event.actor} was revoked before"
        if isinstance(event.fact, TerminalRevoked):
            self._revoked.add(f"terminal:{event.fact.terminal}")

    def _books(self, event: Event) -> Iterator[str]:
        entry = entry_for(event.fact)
        for posting in entry.postings if entry else ():
            self.balances[posting.account] += posting.amount_cents
        if sum(self.balances.values()) != 0:
            yield f"books are off by {sum(self.balances.values())} cents"
        for account in {posting.account for posting in entry.postings} if entry else ():
            # What circulates and what venues are owed are debts of ours: credit balances.
            if account.startswith(("467:", "401:")) and self.balances[account] > 0:
                yield f"{account} is {self.balances[account]} cents on the wrong side"
