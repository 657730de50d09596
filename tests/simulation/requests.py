"""What people and devices ask for, all together: who asks how often."""

from collections.abc import Callable
from datetime import date
from random import Random

import msgspec

from ledger.decisions.situation import Command
from tests.builders import commands as build
from tests.builders.world import PROGRAMME, with_changes
from tests.simulation.audit import Audit
from tests.simulation.counters import Counters
from tests.simulation.drawing import CHILD, HOLDERS, MILLESIMES, SIZE, VENUES, Drawing
from tests.simulation.payment_runs import PaymentRuns
from tests.simulation.stock import Stock
from tests.simulation.venues import Venues

ABOUT = ("stream", "carnet", "terminal", "venue", "run", "order")  # said of it in the trace


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
        self._drawing = Drawing(chance, audit)
        self._counters = counters = Counters(self._drawing)
        stock, venues = Stock(self._drawing), Venues(self._drawing)
        payment_runs = PaymentRuns(self._drawing)
        self._kinds: dict[Callable[[], Command | None], float] = {
            counters.redeem: 50,
            counters.void: 8,
            counters.check: 5,
            stock.assign: 11,
            counters.reuse: 1.5,
            stock.issue: 2.5,
            stock.activate: 3.5,
            stock.transfer: 1.5,
            stock.order: 0.5,
            stock.fund: 2,
            venues.invite: 1.5,
            venues.enrol: 2,
            venues.roll: 0.7,
            venues.revoke: 0.6,
            stock.publish: 0.3,
            venues.qualify: 0.5,
            venues.withdraw: 0.3,
            venues.suspend: 0.3,
            venues.resume: 0.4,
            payment_runs.cutoff: 0.8,
            payment_runs.run: 2.5,
        }

    def draw(self) -> Command:
        self._drawing.look()
        if self._drawing.just_revoked and (check := self._counters.check()) is not None:
            return with_changes(check, self._counters.sent_by(self._drawing.just_revoked.pop()))
        while True:
            (kind,) = self._drawing.chance.choices(list(self._kinds), list(self._kinds.values()))
            if (command := kind()) is not None:
                return command


def named(command: Command) -> str:
    """A command in a line of the trace."""
    told = msgspec.to_builtins(command)
    about = [str(told[key]) for key in ABOUT if key in told]
    return f"{type(command).__name__} {command.command_id[:8]} {' '.join(about)}"
