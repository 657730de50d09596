"""One event for every tag, as its golden file pins it."""

from typing import Final

from ledger.facts import AcceptanceArea, AnyFact, Entitlement, Event, Fact
from ledger.facts.codec import tag_of
from tests.builders.facts import (
    activated,
    assigned,
    carnets_issued,
    carnets_ordered,
    cutoff_fixed,
    envelope_drawn,
    funding_committed,
    funding_ordered,
    funding_received,
    holder_registered,
    issued,
    key_rolled,
    ledger_started,
    part_paid,
    programme_closed,
    programme_opened,
    qualification_withdrawn,
    redeemed,
    rules_published,
    run_approved,
    run_closed,
    run_drafted,
    run_submitted,
    terminal_enrolled,
    terminal_invited,
    terminal_revoked,
    tickets_activated,
    transferred,
    venue_qualified,
    venue_registered,
    venue_reimbursed,
    venue_resumed,
    venue_suspended,
    voided,
)
from tests.builders.placing import recorded
from tests.builders.world import APPROVER

_FACTS: Final[tuple[AnyFact | Event, ...]] = (
    ledger_started(),
    programme_opened(),
    rules_published(
        acceptance=AcceptanceArea("regions", ("27",)),
        entitlements=(
            Entitlement("16-25", 5, min_age=16, max_age=25, evidence=("mission locale",)),
        ),
        services=("cv", "impots"),
    ),
    carnets_ordered(),
    carnets_issued(),
    envelope_drawn(),
    programme_closed(),
    holder_registered(),
    funding_committed(),
    funding_ordered(),
    funding_received(),
    tickets_activated(),
    issued(),
    activated(),
    transferred(),
    assigned(),
    redeemed(1, 2),
    voided(1, 2),
    venue_registered(),
    venue_qualified(),
    qualification_withdrawn(),
    venue_suspended(),
    venue_resumed(),
    terminal_invited(),
    terminal_enrolled(),
    terminal_revoked(),
    key_rolled(),
    cutoff_fixed(),
    run_drafted(),
    run_submitted(),
    recorded(run_approved(), actor=APPROVER),
    part_paid(),
    run_closed(),
    venue_reimbursed(),
)


def _event(fact: AnyFact | Event) -> Event:
    return fact if isinstance(fact, Event) else recorded(fact)


def _tag(event: Event) -> str:
    fact: Fact = event.fact
    return tag_of(type(fact))


EXAMPLES: Final[dict[str, Event]] = {_tag(event): event for event in map(_event, _FACTS)}
