"""What happened so far, folded: `given(*READY, redeemed())` is what a command sees."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger.decisions.folds import FOLDS
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Accepted, Command, Decision, Situation
from ledger.facts import AnyFact, Event, RulesPublished
from ledger.facts.codec import REFERENCE
from ledger.values.ids import StreamId
from ledger.values.reasons import Reason, Refusal
from tests.builders.facts import (
    activated,
    assigned,
    carnets_issued,
    carnets_ordered,
    cutoff_fixed,
    funding_received,
    holder_registered,
    issued,
    ledger_started,
    part_paid,
    programme_opened,
    redeemed,
    rules_published,
    run_approved,
    run_closed,
    run_drafted,
    run_submitted,
    terminal_enrolled,
    terminal_invited,
    tickets_activated,
    venue_qualified,
    venue_registered,
    venue_reimbursed,
    voided,
)
from tests.builders.placing import recorded
from tests.builders.world import (
    NEW_FINGERPRINT,
    NOW,
    OTHER_TERMINAL,
    OTHER_VENUE,
    PEPPERS,
    TOWN_HALL,
    with_changes,
)

History = tuple[AnyFact | Event, ...]


@dataclass(slots=True)
class Log:
    """A ledger without a database: events in order, and what they fold into."""

    events: list[Event] = field(default_factory=list)
    streams: dict[StreamId, Any] = field(default_factory=dict)
    reference: Reference = field(default_factory=Reference)
    versions: Counter[StreamId] = field(default_factory=Counter)

    def append(self, event: Event) -> None:
        self.versions[event.stream] += 1
        event = with_changes(event, {"version": self.versions[event.stream]})
        self.events.append(event)
        position = len(self.events)
        if evolve := FOLDS.get(type(event.fact)):
            state = self.streams.get(event.stream)
            self.streams[event.stream] = evolve(state, event, event.fact, position)
        if type(event.fact) in REFERENCE:
            self.reference.fold(event.fact, position)

    def situation(self, at: datetime = NOW) -> Situation:
        return Situation(self.streams, self.reference, at, PEPPERS)

    def submit(self, command: Command, at: datetime = NOW) -> Decision:
        """Decide, and record what was accepted, as the writer does for a command seen once."""
        decision = command.decide(self.situation(at))
        if isinstance(decision, Accepted):
            for stream, fact in decision.facts:
                self.append(
                    Event(
                        stream=stream,
                        version=1,
                        recorded_at=at,
                        command_id=command.command_id,
                        actor=command.actor,
                        fact=fact,
                        request=command.request_digest() if command.keeps_digest else "",
                    )
                )
        return decision


def log_of(*history: AnyFact | Event) -> Log:
    log = Log()
    for item in history:
        log.append(item if isinstance(item, Event) else recorded(item))
    return log


def given(*history: AnyFact | Event, at: datetime = NOW) -> Situation:
    """What a command sees after this history. The first item stands at position 1."""
    return log_of(*history).situation(at)


def under(history: History, **changes: object) -> History:
    """The same history under rules with these changes."""
    return tuple(
        rules_published(item.rule_version, **changes) if isinstance(item, RulesPublished) else item
        for item in history
    )


def facts_of(decision: Decision) -> tuple[AnyFact, ...]:
    """The facts of an accepted command, in order."""
    if not isinstance(decision, Accepted):
        raise AssertionError(f"not accepted: {decision}")  # noqa: TRY004  # the test fails, no more
    return tuple(fact for _, fact in decision.facts)


def reason_of(decision: Decision) -> Reason | None:
    """Why it was refused, if it was."""
    return decision.reason if isinstance(decision, Refusal) else None


STARTED: History = (
    ledger_started(),
    programme_opened(),
    rules_published(),
    holder_registered(),
    holder_registered(TOWN_HALL),
)
STOCKED: History = (*STARTED, carnets_ordered(), carnets_issued(), issued(1), issued(2))
AT_THE_VENUE: History = (
    venue_registered(),
    venue_qualified(),
    terminal_invited(),
    terminal_enrolled(),
)
ELSEWHERE: History = (
    venue_registered(venue=OTHER_VENUE, name="EPN de Lure", department="70"),
    venue_qualified(venue=OTHER_VENUE),
    terminal_invited(terminal=OTHER_TERMINAL, venue=OTHER_VENUE),
    terminal_enrolled(terminal=OTHER_TERMINAL, venue=OTHER_VENUE, fingerprint=NEW_FINGERPRINT),
)
CIRCULATING: History = (
    *STOCKED,
    *AT_THE_VENUE,
    funding_received(),
    tickets_activated(),
    activated(),
)
# A beneficiary holds carnet 1 and stands at the counter.
READY: History = (*CIRCULATING, assigned())
# A device has taken ticket 1 of carnet 1, and taken it back, as often as it may.
WORN: History = (
    *READY,
    *(
        fact
        for n in range(3 * 5)
        for fact in (redeemed(claim=f"claim-{n}"), voided(claim=f"claim-{n}"))
    ),
)
# Payment runs; the cutoff stands at position 1.
DRAFTED: History = (cutoff_fixed(), run_drafted())
SUBMITTED: History = (*DRAFTED, run_submitted())
APPROVED: History = (*SUBMITTED, run_approved(), venue_registered())
PAID: History = (*APPROVED, venue_reimbursed(), part_paid(), run_closed())
