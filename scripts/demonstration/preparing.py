"""What happens before the venues open: programmes, money, carnets, people who hand them out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from ledger import presets
from ledger.decisions.funding import RecordFunding
from ledger.decisions.programmes import OrderCarnets, RegisterHolder
from ledger.decisions.venues import QualifyVenue, RegisterVenue, WithdrawQualification
from ledger.facts import CarnetsOrdered
from ledger.values.ids import HolderId, OrderId, ProgrammeId, derived_id
from ledger.values.money import Cents, allocate
from scripts.common.ledger import Ledger
from scripts.demonstration.cast import (
    DISTRIBUTION_POINTS,
    REGION,
    STOCK,
    VENUES,
    WITHDRAWN,
)
from scripts.demonstration.clock import LAST_YEAR, TODAY, DemoClock
from scripts.stock.choosing import carnets_of
from scripts.stock.issuing import issue
from scripts.stock.moving import activate, assign, transfer
from scripts.stock.ordering import find_order
from scripts.stock.printing import Format

PROGRAMME: Final = "BFC22"
OTHER: Final = "CA62"  # its carnets of 2021 have expired on the day of the demo
CARNETS: Final = 9_000

Watch = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order to be made, for a holder that is registered."""

    programme: str
    millesime: int
    carnets: int
    size: int
    holder: HolderId


async def prepare_last_year(ledger: Ledger, prints: Path, watch: Watch) -> CarnetsOrdered:
    """Hand out two carnets of 2021, and qualify the venues."""
    for command in presets.commands(OTHER, ledger.actor.id, on=LAST_YEAR.date()):
        await ledger.do(command)
    mairie = HolderId("mairie-62")
    await _register_holder(ledger, mairie, "Mairie d’Hautefosse-les-Mines")
    ordered = await _supply(ledger, Wanted(OTHER, 2021, 2, 10, mairie), prints, watch)
    await assign(ledger, carnets_of(ordered, None, None), mairie, _unwatched)
    await _open_venues(ledger)
    return ordered


async def prepare_today(
    ledger: Ledger, clock: DemoClock, prints: Path, watch: Watch
) -> CarnetsOrdered:
    """Open every preset; issue the region's carnets and bring them to people."""
    clock.come_to_today()
    for name in presets.names():
        for command in presets.commands(name, ledger.actor.id):
            await ledger.do(command)
    await _register_holder(ledger, STOCK, "Région, réserve de titres")
    ordered = await _supply(ledger, Wanted(PROGRAMME, 2022, CARNETS, 5, STOCK), prints, watch)
    await _distribute(ledger, ordered, watch)
    await ledger.do(
        WithdrawQualification(
            command_id=derived_id("demo", "withdraw", WITHDRAWN.id),
            actor=ledger.actor.id,
            venue=WITHDRAWN.id,
            effective_on=TODAY.date(),
        )
    )
    return ordered


async def _supply(ledger: Ledger, wanted: Wanted, prints: Path, watch: Watch) -> CarnetsOrdered:
    """Order, fund, issue to a print file, activate."""
    order = OrderId(f"{wanted.programme}-{wanted.millesime}")
    programme = ProgrammeId(wanted.programme)
    entry = ledger.writer.reference.programmes[programme]
    await ledger.do(
        OrderCarnets(
            command_id=derived_id("demo", "order", order),
            actor=ledger.actor.id,
            programme=programme,
            parent=entry.opened.parent,
            order=order,
            millesime=wanted.millesime,
            carnets=wanted.carnets,
            size=wanted.size,
            holder=wanted.holder,
        )
    )
    ordered = (await find_order(ledger, programme, order)).ordered
    await _fund(ledger, ordered, entry.opened.shares)
    with watch(f"issue {programme}", wanted.carnets) as advance:
        await issue(ledger, ordered, prints / f"{order}.jsonl", Format.JSONL, advance)
    with watch(f"activate {programme}", wanted.carnets) as advance:
        await activate(ledger, ordered, carnets_of(ordered, None, None), advance)
    return ordered


async def _fund(ledger: Ledger, ordered: CarnetsOrdered, shares: dict[str, int]) -> None:
    """Each funder's part of the face value: promised, ordered by its accountant, received."""
    cents = allocate(ordered.carnets * ordered.size * ordered.face_value_cents, shares)
    parts = {funder: Cents(part) for funder, part in cents.items() if part}
    for stage in ("commitment", "order", "cash"):
        await ledger.do(
            RecordFunding(
                command_id=derived_id("demo", "fund", ordered.order, stage),
                actor=ledger.actor.id,
                programme=ordered.programme,
                millesime=ordered.millesime,
                stage=stage,
                reference=f"{ordered.order}-{stage}",
                cents=parts,
            )
        )


async def _distribute(ledger: Ledger, ordered: CarnetsOrdered, watch: Watch) -> None:
    """Parcels to the distribution points, which hand out a part of theirs."""
    total = sum(point.carnets + point.handed_out for point in DISTRIBUTION_POINTS)
    first = ordered.first_number
    with watch("transfer and hand out", total) as advance:
        for point in DISTRIBUTION_POINTS:
            await _register_holder(ledger, point.id, point.name)
            parcel = carnets_of(ordered, first, point.carnets)
            await transfer(ledger, parcel, (STOCK, point.id), advance)
            await assign(ledger, parcel[: point.handed_out], point.id, advance)
            first += point.carnets


async def _open_venues(ledger: Ledger) -> None:
    for venue in VENUES:
        await ledger.do(
            RegisterVenue(
                command_id=derived_id("demo", "register", venue.id),
                actor=ledger.actor.id,
                venue=venue.id,
                name=venue.name,
                region=REGION,
                department=venue.department,
            )
        )
        await ledger.do(
            QualifyVenue(
                command_id=derived_id("demo", "qualify", venue.id),
                actor=ledger.actor.id,
                venue=venue.id,
                first_day=date(LAST_YEAR.year, 1, 1),
                last_day=None,
                authority="Préfecture de région",
            )
        )


async def _register_holder(ledger: Ledger, holder: HolderId, name: str) -> None:
    await ledger.do(
        RegisterHolder(
            command_id=derived_id("demo", "holder", holder),
            actor=ledger.actor.id,
            holder=holder,
            name=name,
        )
    )


def _unwatched(_: int) -> None:
    """Two carnets need no bar."""
