"""What people and devices ask for: mostly redemptions, mostly right, many of them for the same."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import TypeVar

import msgspec

from ledger.decisions import clearing
from ledger.decisions.carnets import Carnet
from ledger.decisions.reference import TerminalEntry
from ledger.decisions.situation import Command
from ledger.facts import CarnetIssued, TerminalRevoked
from ledger.values.codes import TicketCode, make_codes, parse_code
from ledger.values.ids import (
    CarnetId,
    ClaimId,
    HolderId,
    OrderId,
    ProgrammeId,
    RunId,
    TerminalId,
    VenueId,
    carnet_stream,
    derived_id,
    is_siret,
    programme_stream,
    run_stream,
    terminal_id,
)
from ledger.values.money import Cents
from tests.builders import commands as build
from tests.builders.facts import digests_of
from tests.builders.world import (
    APPROVER,
    FINGERPRINT,
    INVITATION,
    OPERATOR,
    PROGRAMME,
    REGION,
    SEED,
    with_changes,
)
from tests.simulation.audit import Audit

CHILD = ProgrammeId("DEP25")  # draws on PROGRAMME
PROGRAMMES = (PROGRAMME, CHILD)
MILLESIMES = (2022, 2023)  # the first one's tickets expire in the middle of things
SIZE = 5
HOT = 8  # carnets that most claims are about
RECENT = 60  # carnets that work goes on with
VENUES = tuple(
    VenueId(f"2125005650{n:03d}{check}")
    for n in range(6)
    for check in range(10)
    if is_siret(f"2125005650{n:03d}{check}")
)
ABOUT = ("stream", "carnet", "terminal", "venue", "run", "order")  # said of it in the trace
HOLDERS = (REGION, HolderId("mairie-a"), HolderId("mairie-b"))

T = TypeVar("T")


@cache
def codes_of(carnet: str, seed: bytes = SEED) -> tuple[TicketCode, ...]:
    """The codes of a carnet, right ones or those of another seed."""
    programme, _, number = carnet.partition("-")
    return tuple(map(parse_code, make_codes(seed, programme, int(number), SIZE)))


def beginning() -> list[Command]:
    """A ledger in which everything can happen."""
    publish = build.publish_rules(void_minutes=4, sizes=(SIZE,), millesimes=MILLESIMES)
    return [
        build.start_ledger(),
        build.open_programme(cap_tickets=None),
        publish,
        build.open_programme(programme=CHILD, parent=PROGRAMME, command_id="child"),
        with_changes(publish, {"programme": CHILD, "command_id": "child-rules"}),
        *(build.register_holder(holder=h, command_id=f"holder-{h}") for h in HOLDERS),
        *(build.register_venue(venue=v, command_id=f"venue-{v}") for v in VENUES),
        *(
            build.qualify_venue(venue=v, command_id=f"qualify-{v}", last_day=date(2023, 12, 31))
            for v in VENUES
        ),
    ]


class Requests:
    """Draws commands that fit what the auditor knows, or nearly."""

    def __init__(self, chance: Random, audit: Audit) -> None:
        self._chance = chance
        self._audit = audit
        self._made = 0
        self._known = 0  # events that were looked through
        self._carnets: list[CarnetIssued] = []
        self._just_revoked: list[TerminalId] = []  # each of them asks once more
        self._claims: list[tuple[CarnetId, tuple[int, ...], str]] = []
        self._kinds: dict[Callable[[], Command | None], float] = {
            self._redeem: 50,
            self._void: 8,
            self._check: 5,
            self._assign: 11,
            self._reuse: 1.5,
            self._issue: 2.5,
            self._activate: 3.5,
            self._transfer: 1.5,
            self._order: 0.5,
            self._fund: 2,
            self._invite: 1.5,
            self._enrol: 2,
            self._roll: 0.7,
            self._revoke: 0.6,
            self._publish: 0.3,
            self._qualify: 0.5,
            self._withdraw: 0.3,
            self._suspend: 0.3,
            self._resume: 0.4,
            self._cutoff: 0.8,
            self._run: 2.5,
        }

    def draw(self) -> Command:
        self._look()
        if self._just_revoked and (check := self._check()) is not None:
            return with_changes(check, self._sent_by(self._just_revoked.pop()))
        while True:
            (kind,) = self._chance.choices(list(self._kinds), list(self._kinds.values()))
            if (command := kind()) is not None:
                return command

    def _look(self) -> None:
        events = self._audit.ledger.events
        for event in events[self._known :]:
            if isinstance(event.fact, CarnetIssued):
                self._carnets.append(event.fact)
            if isinstance(event.fact, TerminalRevoked):
                self._just_revoked.append(event.fact.terminal)
        self._known = len(events)

    def _id(self) -> str:
        self._made += 1
        return derived_id("asked", self._made)

    def _one(self, of: Sequence[T]) -> T | None:
        return self._chance.choice(of) if of else None

    def _often(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _carnet(self) -> Carnet | None:
        """A carnet that somebody holds; most of the time one of the few at the counters now."""
        if self._often(0.93):
            recent = [c for c in self._recent() if c.assigned and len(c.redeemed) < c.size]
            if recent:
                return self._chance.choice(recent[:HOT])
        issued = self._one(self._carnets)
        return None if issued is None else self._state(issued)

    def _recent(self) -> list[Carnet]:
        return [self._state(issued) for issued in self._carnets[-RECENT:]]

    def _state(self, issued: CarnetIssued) -> Carnet:
        found: Carnet = self._audit.ledger.streams[carnet_stream(issued.carnet)]
        return found

    # Devices.

    def _device(self) -> tuple[TerminalId, str]:
        """A device and its key's fingerprint; now and then one that may not redeem."""
        terminals = self._audit.ledger.reference.terminals
        known = [(name, t) for name, t in terminals.items() if t.fingerprint]
        working = [(name, t) for name, t in known if not t.revoked]
        name, terminal = self._one(working if self._often(0.95) else known) or (None, None)
        if name is None or terminal is None:
            return terminal_id("nobody"), FINGERPRINT
        return name, terminal.fingerprint if self._often(0.99) else "of-another-key"

    def _shown(self, carnet: Carnet, tickets: Sequence[int]) -> dict[str, object]:
        """What a device sends with these tickets; now and then with a wrong code."""
        device, fingerprint = self._device()
        codes = codes_of(carnet.id, SEED if self._often(0.98) else bytes(32))
        return {
            "command_id": self._id(),
            "actor": f"terminal:{device}",
            "terminal": device,
            "fingerprint": fingerprint,
            "stream": carnet_stream(carnet.id),
            "codes": {ticket: codes[ticket - 1].text for ticket in tickets},
        }

    def _tickets(self, carnet: Carnet) -> list[int]:
        """Tickets of a carnet, most of the time some that are left."""
        all_of_them = range(1, carnet.size + 1)
        left = [n for n in all_of_them if n not in carnet.redeemed]
        among = left if left and self._often(0.85) else all_of_them
        return sorted(self._chance.sample(among, min(len(among), self._chance.choice((1, 1, 2)))))

    def _redeem(self) -> Command | None:
        if (carnet := self._carnet()) is None:
            return None
        tickets = self._tickets(carnet)
        command = with_changes(build.redeem(), self._shown(carnet, tickets))
        self._claims.append((carnet.id, tuple(tickets), command.command_id))
        return command

    def _check(self) -> Command | None:
        if (carnet := self._carnet()) is None:
            return None
        return with_changes(build.check(), self._shown(carnet, self._tickets(carnet)))

    def _void(self) -> Command | None:
        if (claim := self._one(self._claims[-60:])) is None:
            return None
        carnet_id, tickets, claim_id = claim
        carnet = self._audit.ledger.streams[carnet_stream(carnet_id)]
        shown = self._shown(carnet, tickets) | {"claim_id": ClaimId(claim_id)}
        if (taken := carnet.redemptions.get(claim_id)) is not None and self._often(0.8):
            shown |= self._device_of(taken.fact.venue)
        return with_changes(build.void(), shown)

    def _device_of(self, venue: VenueId) -> dict[str, object]:
        terminals = self._audit.ledger.reference.terminals.items()
        found = self._one([name for name, t in terminals if t.venue == venue and t.fingerprint])
        return self._sent_by(found) if found else {}

    def _sent_by(self, terminal: TerminalId) -> dict[str, object]:
        return {
            "terminal": terminal,
            "fingerprint": self._audit.ledger.reference.terminals[terminal].fingerprint,
            "actor": f"terminal:{terminal}",
        }

    def _reuse(self) -> Command | None:
        """Another claim under an id that stood for something else."""
        if (claim := self._one(self._claims[-60:])) is None:
            return None
        carnet_id, tickets, claim_id = claim
        carnet = self._audit.ledger.streams[carnet_stream(carnet_id)]
        other = [n for n in range(1, SIZE + 1) if n not in tickets][:1]
        shown = self._shown(carnet, other) | {"command_id": claim_id}
        return with_changes(build.redeem(), shown)

    # Stock and funding.

    def _assign(self) -> Command | None:
        waiting = [c for c in self._recent() if not c.assigned]
        active = [c for c in waiting if c.activated]
        carnet = self._one(active if active and self._often(0.95) else waiting)
        if carnet is None:
            return None
        holder = carnet.holder if self._often(0.95) else HOLDERS[0]
        return with_changes(
            build.assign(), {"command_id": self._id(), "carnet": carnet.id, "holder": holder}
        )

    def _order(self) -> Command:
        programme = self._chance.choice(PROGRAMMES)
        made = self._id()
        return build.order_carnets(
            command_id=made,
            programme=programme,
            parent=PROGRAMME if programme == CHILD else None,
            order=OrderId(made[:8]),
            millesime=self._chance.choice(MILLESIMES),
            carnets=self._chance.randint(10, 80),
            size=SIZE,
            holder=self._chance.choice(HOLDERS),
        )

    def _issue(self) -> Command | None:
        programme = self._chance.choice(PROGRAMMES)
        state = self._audit.ledger.streams[programme_stream(programme)]
        unfinished = [o for o in state.orders.values() if o.issued < o.ordered.carnets]
        if (order := self._one(unfinished)) is None:
            return None
        first = order.ordered.first_number + order.issued
        count = min(self._chance.randint(1, 12), order.ordered.carnets - order.issued)
        return build.issue(
            first,
            carnets=count,
            command_id=self._id(),
            programme=programme,
            order=order.ordered.order,
            digests=tuple(digests_of(n, SIZE, programme) for n in range(first, first + count)),
        )

    def _activate(self) -> Command | None:
        waiting = [c for c in self._recent() if not c.activated]
        if (first := self._one(waiting)) is None:
            return None
        kind = (first.issued.programme, first.issued.millesime)
        alike = [c.id for c in waiting if (c.issued.programme, c.issued.millesime) == kind]
        return build.activate(
            command_id=self._id(), programme=kind[0], millesime=kind[1], carnets=tuple(alike[:8])
        )

    def _transfer(self) -> Command | None:
        if (carnet := self._carnet()) is None:
            return None
        mine = [c for c in self._recent() if c.holder == carnet.holder]
        free = [c.id for c in mine if not c.assigned or self._often(0.05)]
        others = [holder for holder in HOLDERS if holder != carnet.holder]
        if not free:
            return None
        return with_changes(
            build.transfer(),
            {
                "command_id": self._id(),
                "carnets": tuple(free[:4]),
                "sender": carnet.holder,
                "receiver": self._chance.choice(others),
            },
        )

    def _fund(self) -> Command:
        return build.record_funding(
            command_id=self._id(),
            programme=self._chance.choice(PROGRAMMES),
            millesime=self._chance.choice(MILLESIMES),
            stage=self._chance.choice(("commitment", "order", "cash", "cash", "cash")),
            reference=f"entry {self._chance.randint(1, 200)}",
            cents={"region": Cents(self._chance.randint(1, 900_000)), "state": Cents(333_333)},
        )

    # Venues and their devices.

    def _invite(self) -> Command | None:
        if len(self._audit.ledger.reference.terminals) >= 40 and self._often(0.8):
            return None
        made = self._id()
        return build.invite_terminal(
            command_id=made, terminal=terminal_id(made), venue=self._chance.choice(VENUES)
        )

    def _terminals(self) -> list[tuple[TerminalId, TerminalEntry]]:
        return list(self._audit.ledger.reference.terminals.items())

    def _enrol(self) -> Command | None:
        invited = [name for name, entry in self._terminals() if not entry.fingerprint]
        everybody = [name for name, _ in self._terminals()]
        name = self._one(invited if invited and self._often(0.9) else everybody)
        if name is None:
            return None
        made = self._id()
        return build.enrol_terminal(
            command_id=made,
            actor=f"terminal:{name}",
            terminal=name,
            invitation=INVITATION,
            fingerprint=made.replace("-", "")[:16],
        )

    def _roll(self) -> Command | None:
        if (found := self._one(self._terminals())) is None:
            return None
        made = self._id()
        return build.roll_key(
            command_id=made,
            actor=f"terminal:{found[0]}",
            terminal=found[0],
            replaces=found[1].fingerprint if self._often(0.5) else FINGERPRINT,
            fingerprint=made.replace("-", "")[:16],
        )

    def _revoke(self) -> Command | None:
        if (found := self._one(self._terminals())) is None:
            return None
        return build.revoke_terminal(command_id=self._id(), terminal=found[0])

    def _qualify(self) -> Command:
        first = date(2023, 1, 1) + timedelta(days=self._chance.randint(0, 60))
        return build.qualify_venue(
            command_id=self._id(),
            venue=self._chance.choice(VENUES),
            first_day=first,
            last_day=first + timedelta(days=self._chance.randint(0, 300)),
        )

    def _withdraw(self) -> Command:
        return build.withdraw_qualification(
            command_id=self._id(),
            venue=self._chance.choice(VENUES),
            effective_on=date(2023, 1, 31) + timedelta(days=self._chance.randint(0, 2)),
        )

    def _suspend(self) -> Command:
        return build.suspend_venue(command_id=self._id(), venue=self._chance.choice(VENUES))

    def _resume(self) -> Command:
        return build.resume_venue(command_id=self._id(), venue=self._chance.choice(VENUES))

    def _publish(self) -> Command:
        programme = self._chance.choice(PROGRAMMES)
        next_version = self._audit.ledger.reference.programmes[programme].rule_version + 1
        changed = build.publish_rules(
            next_version,
            void_minutes=self._chance.randint(1, 9),
            max_tickets_per_claim=self._chance.randint(1, 3),
            sizes=(SIZE,),
            millesimes=MILLESIMES,
            activation_requires=self._chance.choice(("cash", "commitment")),
        )
        return with_changes(changed, {"programme": programme, "command_id": self._id()})

    # Payment runs.

    def _cutoff(self) -> Command:
        made = self._id()
        run = self._audit.ledger.reference.open_run
        if run is not None and self._often(0.5):
            return with_changes(build.fix_cutoff(run), {"command_id": made})
        return with_changes(build.fix_cutoff(RunId(f"run-{made[:8]}")), {"command_id": made})

    def _run(self) -> Command | None:
        """The next step of the open run, or one out of turn."""
        run = self._audit.ledger.reference.open_run
        if run is None:
            return None
        state: clearing.PaymentRun = self._audit.ledger.streams[run_stream(run)]
        if self._often(0.2):
            steps = (self._submit, self._approve, self._withdraw_run)
            return self._chance.choice(steps)(run, state)
        if state.drafted is None:
            return self._draft(run, state)
        if state.submitter is None:
            return self._submit(run, state)
        if not state.approved:
            return self._approve(run, state)
        return self._pay(run, state)

    def _parts(self, run: RunId) -> list[tuple[clearing.RunLine, ...]]:
        owed = self._audit.owed[run]
        return clearing.parts_of(
            [clearing.RunLine(venue, Cents(cents)) for venue, cents in owed.items()]
        )

    def _draft(self, run: RunId, state: clearing.PaymentRun) -> Command:
        parts = self._parts(run)
        return build.draft_run(
            command_id=self._id(),
            run=run,
            cutoff=state.cutoff,
            part_digests=tuple(map(clearing.part_digest, parts)),
            transfers=sum(map(len, parts)),
            amount_cents=Cents(sum(self._audit.owed[run].values())),
        )

    def _submit(self, run: RunId, state: clearing.PaymentRun) -> Command:
        return build.submit_run(command_id=self._id(), run=run)

    def _approve(self, run: RunId, state: clearing.PaymentRun) -> Command:
        return build.approve_run(
            command_id=self._id(),
            run=run,
            actor=APPROVER if self._often(0.9) else OPERATOR,
            digest=state.drafted.digest if state.drafted and self._often(0.9) else "another",
        )

    def _withdraw_run(self, run: RunId, state: clearing.PaymentRun) -> Command:
        return build.withdraw_run(command_id=self._id(), run=run)

    def _pay(self, run: RunId, state: clearing.PaymentRun) -> Command:
        parts = self._parts(run)
        lines = parts[state.parts_paid] if state.parts_paid < len(parts) else ()
        return build.pay_part(command_id=self._id(), run=run, part=state.parts_paid, lines=lines)


def named(command: Command) -> str:
    """A command in a line of the trace."""
    told = msgspec.to_builtins(command)
    about = [str(told[key]) for key in ABOUT if key in told]
    return f"{type(command).__name__} {command.command_id[:8]} {' '.join(about)}"
