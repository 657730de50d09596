"""What each venue earned and was paid, and what was owed to it exactly at a run's cutoff."""

from dataclasses import dataclass

from psycopg.rows import class_row

from ledger.decisions.clearing import RunLine
from ledger.facts import CutoffFixed, RedemptionVoided, TicketsRedeemed, VenueReimbursed
from ledger.journal import VENUE_PAYABLE
from ledger.log.arrays import Numbers, Texts
from ledger.values.ids import RunId, VenueId
from ledger.values.money import Cents
from projections.batch import Alike, Batch
from projections.projection import AsyncConnection, Connection, Projection

DDL = """
CREATE TABLE venue_payouts (
    venue text PRIMARY KEY,
    redeemed_tickets bigint NOT NULL,
    redeemed_cents bigint NOT NULL,
    voided_tickets bigint NOT NULL,
    voided_cents bigint NOT NULL,
    reimbursed_cents bigint NOT NULL,
    -- The credit of the venue's account in the books; negative where the venue owes us.
    owed_cents bigint NOT NULL,

    -- The books and what was counted beside them agree.
    CONSTRAINT venue_payouts_owed
        CHECK (owed_cents = redeemed_cents - voided_cents - reimbursed_cents)
) WITH (fillfactor = 50);

CREATE TABLE payment_runs (
    run text PRIMARY KEY,
    -- The position of CutoffFixed. What happened later goes to the next run.
    cutoff bigint NOT NULL,

    CONSTRAINT payment_runs_cutoff UNIQUE (cutoff)
);

-- What was owed at the cutoff, never changed afterwards.
CREATE TABLE payment_run_lines (
    run text NOT NULL REFERENCES payment_runs,
    venue text NOT NULL,
    -- Positive: to pay. Negative: carries forward to the next run.
    amount_cents bigint NOT NULL,

    PRIMARY KEY (run, venue),
    -- Who is owed nothing has no line.
    CONSTRAINT payment_run_lines_amount CHECK (amount_cents <> 0)
);
"""

ADD = """
INSERT INTO venue_payouts AS kept (
    venue, redeemed_tickets, redeemed_cents, voided_tickets, voided_cents, reimbursed_cents,
    owed_cents
)
SELECT * FROM unnest(
    %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]
)
ON CONFLICT (venue) DO UPDATE SET
    redeemed_tickets = kept.redeemed_tickets + excluded.redeemed_tickets,
    redeemed_cents = kept.redeemed_cents + excluded.redeemed_cents,
    voided_tickets = kept.voided_tickets + excluded.voided_tickets,
    voided_cents = kept.voided_cents + excluded.voided_cents,
    reimbursed_cents = kept.reimbursed_cents + excluded.reimbursed_cents,
    owed_cents = kept.owed_cents + excluded.owed_cents
"""

OPEN_RUN = "INSERT INTO payment_runs (run, cutoff) VALUES (%b, %b)"

SNAPSHOT = """
INSERT INTO payment_run_lines (run, venue, amount_cents)
SELECT %b, venue, owed_cents FROM venue_payouts WHERE owed_cents <> 0
"""


@dataclass(slots=True)
class VenuePayout:
    """One venue's sums: those of a batch, or all of them."""

    venue: VenueId
    redeemed_tickets: int = 0
    redeemed_cents: int = 0
    voided_tickets: int = 0
    voided_cents: int = 0
    reimbursed_cents: int = 0
    owed_cents: int = 0  # negative: carries forward


@dataclass(frozen=True, slots=True)
class Earnings:
    """What a part of the log adds, and the cutoff that it ends with, if any."""

    venues: dict[VenueId, VenuePayout]
    cutoff: tuple[RunId, int] | None  # the run and the position


def summarise(batch: Batch) -> Earnings:
    """Sum a part by venue. What is owed comes from the journal, so that it can't say otherwise."""
    venues: dict[VenueId, VenuePayout] = {}
    cutoff = None
    for alike in batch.alike:
        fact = alike.fact
        if isinstance(fact, CutoffFixed):
            cutoff = (fact.run, batch.until)  # parts are cut after it
        elif isinstance(fact, TicketsRedeemed | RedemptionVoided | VenueReimbursed):
            _count(venues.setdefault(fact.venue, VenuePayout(fact.venue)), alike)
    return Earnings(venues, cutoff)


def _count(venue: VenuePayout, alike: Alike) -> None:
    match alike.fact:
        case TicketsRedeemed(amount_cents=cents):
            venue.redeemed_tickets += alike.tickets
            venue.redeemed_cents += cents
        case RedemptionVoided(amount_cents=cents, tickets=tickets):
            venue.voided_tickets += len(tickets)
            venue.voided_cents += cents
        case VenueReimbursed(amount_cents=cents):
            venue.reimbursed_cents += cents
        case _:
            pass
    payable = f"{VENUE_PAYABLE}:{venue.venue}"
    for posting in alike.postings:
        if posting.account == payable:
            venue.owed_cents -= posting.amount_cents


def write(connection: Connection, earned: Earnings) -> None:
    """Add a part's sums; at its cutoff, lay down what is owed to every venue."""
    if earned.venues:
        v = earned.venues.values()
        columns = [
            Numbers(x.redeemed_tickets for x in v),
            Numbers(x.redeemed_cents for x in v),
            Numbers(x.voided_tickets for x in v),
            Numbers(x.voided_cents for x in v),
            Numbers(x.reimbursed_cents for x in v),
            Numbers(x.owed_cents for x in v),
        ]
        connection.execute(ADD, [Texts(earned.venues), *columns])
    if earned.cutoff is not None:
        run, position = earned.cutoff
        connection.execute(OPEN_RUN, [run, position])
        connection.execute(SNAPSHOT, [run])


PAYOUTS = Projection(
    name="payouts",
    version=1,
    tables=("venue_payouts", "payment_runs", "payment_run_lines"),
    ddl=DDL,
    wants=frozenset({CutoffFixed, RedemptionVoided, TicketsRedeemed, VenueReimbursed}),
    summarise=summarise,
    write=write,
    cut_after=frozenset({CutoffFixed}),
)


@dataclass(frozen=True, slots=True)
class RunLines:
    """What was owed at a run's cutoff."""

    run: RunId
    cutoff: int  # position
    lines: tuple[RunLine, ...]  # to pay, by venue
    carried_forward: dict[VenueId, Cents]  # negative: nothing is paid, the next run takes it up


async def list_payouts(connection: AsyncConnection) -> list[VenuePayout]:
    """Every venue that ever took a ticket, by name."""
    cursor = connection.cursor(row_factory=class_row(VenuePayout))
    await cursor.execute("SELECT * FROM venue_payouts ORDER BY venue")
    return await cursor.fetchall()


async def payout_of(connection: AsyncConnection, venue: str) -> VenuePayout:
    """One venue's sums; zero where it took nothing yet."""
    cursor = connection.cursor(row_factory=class_row(VenuePayout))
    await cursor.execute("SELECT * FROM venue_payouts WHERE venue = %s", [venue])
    return await cursor.fetchone() or VenuePayout(VenueId(venue))


async def lines_of_run(connection: AsyncConnection, run: str) -> RunLines | None:
    """What the run has to pay; None where its cutoff isn't known here (yet)."""
    found = await connection.execute(
        "SELECT r.cutoff, l.venue, l.amount_cents FROM payment_runs r"
        " LEFT JOIN payment_run_lines l USING (run) WHERE run = %s ORDER BY venue",
        [run],
    )
    rows = await found.fetchall()
    if not rows:
        return None
    lines = [(VenueId(venue), Cents(cents)) for _, venue, cents in rows if venue is not None]
    return RunLines(
        run=RunId(run),
        cutoff=rows[0][0],
        lines=tuple(RunLine(venue, cents) for venue, cents in lines if cents > 0),
        carried_forward={venue: cents for venue, cents in lines if cents < 0},
    )
