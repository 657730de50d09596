"""What operators ask for: programmes, their money and their carnets."""

from ledger.decisions.situation import Command
from ledger.values.ids import OrderId, programme_stream
from ledger.values.money import Cents
from tests.builders import commands as build
from tests.builders.facts import digests_of
from tests.builders.world import PROGRAMME, with_changes
from tests.simulation.drawing import CHILD, HOLDERS, MILLESIMES, PROGRAMMES, SIZE, Drawing


class Stock:
    """Those who order carnets, pay for them and hand them out."""

    def __init__(self, drawing: Drawing) -> None:
        self._draw = drawing

    def assign(self) -> Command | None:
        waiting = [c for c in self._draw.recent() if not c.assigned]
        active = [c for c in waiting if c.activated]
        carnet = self._draw.one(active if active and self._draw.often(0.95) else waiting)
        if carnet is None:
            return None
        holder = carnet.holder if self._draw.often(0.95) else HOLDERS[0]
        return with_changes(
            build.assign(),
            {"command_id": self._draw.new_id(), "carnet": carnet.id, "holder": holder},
        )

    def order(self) -> Command:
        programme = self._draw.chance.choice(PROGRAMMES)
        made = self._draw.new_id()
        return build.order_carnets(
            command_id=made,
            programme=programme,
            parent=PROGRAMME if programme == CHILD else None,
            order=OrderId(made[:8]),
            millesime=self._draw.chance.choice(MILLESIMES),
            carnets=self._draw.chance.randint(10, 80),
            size=SIZE,
            holder=self._draw.chance.choice(HOLDERS),
        )

    def issue(self) -> Command | None:
        programme = self._draw.chance.choice(PROGRAMMES)
        state = self._draw.audit.ledger.streams[programme_stream(programme)]
        unfinished = [o for o in state.orders.values() if o.issued < o.ordered.carnets]
        if (order := self._draw.one(unfinished)) is None:
            return None
        first = order.ordered.first_number + order.issued
        count = min(self._draw.chance.randint(1, 12), order.ordered.carnets - order.issued)
        return build.issue(
            first,
            carnets=count,
            command_id=self._draw.new_id(),
            programme=programme,
            order=order.ordered.order,
            digests=tuple(digests_of(n, SIZE, programme) for n in range(first, first + count)),
        )

    def activate(self) -> Command | None:
        waiting = [c for c in self._draw.recent() if not c.activated]
        if (first := self._draw.one(waiting)) is None:
            return None
        kind = (first.issued.programme, first.issued.millesime)
        alike = [c.id for c in waiting if (c.issued.programme, c.issued.millesime) == kind]
        return build.activate(
            command_id=self._draw.new_id(),
            programme=kind[0],
            millesime=kind[1],
            carnets=tuple(alike[:8]),
        )

    def transfer(self) -> Command | None:
        if (carnet := self._draw.carnet()) is None:
            return None
        mine = [c for c in self._draw.recent() if c.holder == carnet.holder]
        free = [c.id for c in mine if not c.assigned or self._draw.often(0.05)]
        others = [holder for holder in HOLDERS if holder != carnet.holder]
        if not free:
            return None
        return with_changes(
            build.transfer(),
            {
                "command_id": self._draw.new_id(),
                "carnets": tuple(free[:4]),
                "sender": carnet.holder,
                "receiver": self._draw.chance.choice(others),
            },
        )

    def fund(self) -> Command:
        return build.record_funding(
            command_id=self._draw.new_id(),
            programme=self._draw.chance.choice(PROGRAMMES),
            millesime=self._draw.chance.choice(MILLESIMES),
            stage=self._draw.chance.choice(("commitment", "order", "cash", "cash", "cash")),
            reference=f"entry {self._draw.chance.randint(1, 200)}",
            cents={
                "region": Cents(self._draw.chance.randint(1, 900_000)),
                "state": Cents(333_333),
            },
        )

    def publish(self) -> Command:
        programme = self._draw.chance.choice(PROGRAMMES)
        next_version = self._draw.audit.ledger.reference.programmes[programme].rule_version + 1
        changed = build.publish_rules(
            next_version,
            void_minutes=self._draw.chance.randint(1, 9),
            max_tickets_per_claim=self._draw.chance.randint(1, 3),
            sizes=(SIZE,),
            millesimes=MILLESIMES,
            activation_requires=self._draw.chance.choice(("cash", "commitment")),
        )
        return with_changes(changed, {"programme": programme, "command_id": self._draw.new_id()})
