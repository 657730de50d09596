"""Stock: carnets are issued, move between holders, and are handed out."""

from datetime import date

from ledger.decisions.carnets import Carnet
from ledger.decisions.funding import LARGEST_CHUNK, PARCEL, is_parcel
from ledger.decisions.programmes import Order, Programme
from ledger.decisions.situation import (
    Accepted,
    Command,
    Decision,
    InvalidCommandError,
    Situation,
    require,
)
from ledger.facts import (
    AnyFact,
    CarnetAssigned,
    CarnetIssued,
    CarnetsIssued,
    CarnetTransferred,
    Rules,
)
from ledger.values.clock import end_of_day
from ledger.values.ids import (
    BeneficiaryId,
    CarnetId,
    HolderId,
    OrderId,
    ProgrammeId,
    StreamId,
    carnet_id,
    carnet_stream,
    programme_stream,
)
from ledger.values.reasons import Reason, Refusal


class IssueCarnets(Command, frozen=True, kw_only=True):
    """Make the next chunk of an order's carnets exist, with the digests of their codes."""

    may_wait = True

    programme: ProgrammeId
    order: OrderId
    first_number: int
    pepper_id: str
    digests: tuple[tuple[str, ...], ...]  # a carnet each, at most LARGEST_CHUNK

    def __post_init__(self) -> None:
        require(holds=0 < len(self.digests) <= LARGEST_CHUNK, otherwise=PARCEL)

    @property
    def carnets(self) -> tuple[CarnetId, ...]:
        numbers = range(self.first_number, self.first_number + len(self.digests))
        return tuple(carnet_id(self.programme, number) for number in numbers)

    @property
    def stream(self) -> StreamId:
        return programme_stream(self.programme)

    @property
    def streams(self) -> tuple[StreamId, ...]:
        return (self.stream, *map(carnet_stream, self.carnets))

    @property
    def weight(self) -> int:
        return len(self.digests) + 1

    def decide(self, at: Situation) -> Decision:
        return decide_issue(self, at)


def decide_issue(command: IssueCarnets, at: Situation) -> Decision:
    """Issue the next carnets of an order, in the order of their numbers.

    Raises:
        InvalidCommandError: the ledger does not know the pepper. It could be lost, or be made
            anew under its name, and nobody would notice before the tickets open for nobody.
    """
    programme: Programme | None = at.streams.get(command.stream)
    if programme is None:
        return Refusal(Reason.PROGRAMME_UNKNOWN)
    origin = at.reference.origin
    if origin is None or command.pepper_id not in origin.peppers:
        raise InvalidCommandError(
            f"pepper_id: {command.pepper_id} is none of the peppers that this ledger began with"
        )
    order: Order | None = programme.orders.get(command.order)
    if order is None:
        return Refusal(Reason.ORDER_UNKNOWN)
    ordered = order.ordered
    next_number = ordered.first_number + order.issued
    if command.first_number < next_number:
        return Refusal(Reason.CARNET_EXISTS, detail={"next_number": next_number})
    if at.reference.programmes[command.programme].closed:
        return Refusal(Reason.PROGRAMME_CLOSED)
    if any(len(digests) != ordered.size for digests in command.digests):
        return Refusal(Reason.SIZE_NOT_OFFERED, ordered.rule_version, {"size": ordered.size})
    last = ordered.first_number + ordered.carnets
    if command.first_number != next_number or next_number + len(command.digests) > last:
        return Refusal(Reason.ORDER_EXCEEDED, detail={"next_number": next_number})

    # From here on the issue succeeds.
    carnets: list[tuple[StreamId, AnyFact]] = [
        (
            stream,
            CarnetIssued(
                carnet=carnet,
                programme=command.programme,
                millesime=ordered.millesime,
                order=command.order,
                face_value_cents=ordered.face_value_cents,
                valid_from=ordered.valid_from,
                valid_until=ordered.valid_until,
                pepper_id=command.pepper_id,
                digests=digests,
                holder=ordered.holder,
            ),
        )
        for stream, carnet, digests in zip(
            command.streams[1:], command.carnets, command.digests, strict=True
        )
    ]
    chunk = CarnetsIssued(
        programme=command.programme,
        order=command.order,
        first_number=command.first_number,
        carnets=len(carnets),
    )
    return Accepted((*carnets, (command.stream, chunk)))


class TransferCarnets(Command, frozen=True, kw_only=True):
    """Move a parcel of carnets from one holder to another: all of them, or none."""

    may_wait = True

    carnets: tuple[CarnetId, ...]
    sender: HolderId
    receiver: HolderId

    def __post_init__(self) -> None:
        require(holds=is_parcel(self.carnets), otherwise=PARCEL)
        require(holds=self.sender != self.receiver, otherwise="receiver: another than the sender")

    @property
    def stream(self) -> StreamId:
        return carnet_stream(self.carnets[-1])

    @property
    def streams(self) -> tuple[StreamId, ...]:
        return tuple(map(carnet_stream, reversed(self.carnets)))

    @property
    def weight(self) -> int:
        return len(self.carnets)

    def decide(self, at: Situation) -> Decision:
        if not {self.sender, self.receiver} <= at.reference.holders.keys():
            return Refusal(Reason.HOLDER_UNKNOWN)
        carnets: list[Carnet | None] = [at.streams.get(stream) for stream in self.streams]
        known = [carnet for carnet in carnets if carnet is not None]
        if len(known) < len(carnets):
            unknown = set(self.carnets) - {carnet.id for carnet in known}
            return Refusal(Reason.CARNET_UNKNOWN, detail={"carnet": min(unknown)})
        if elsewhere := {each.id: each.holder for each in known if each.holder != self.sender}:
            carnet = min(elsewhere)
            detail: dict[str, str | int] = {"carnet": carnet, "holder": elsewhere[carnet]}
            return Refusal(Reason.HOLDER_DIFFERS, detail=detail)
        if handed_out := [carnet.id for carnet in known if carnet.assigned]:
            return Refusal(Reason.TICKET_ALREADY_ASSIGNED, detail={"carnet": min(handed_out)})

        # From here on the transfer succeeds.
        return Accepted(
            tuple(
                (
                    carnet_stream(carnet),
                    CarnetTransferred(carnet=carnet, sender=self.sender, receiver=self.receiver),
                )
                for carnet in self.carnets
            )
        )


class AssignTickets(Command, frozen=True, kw_only=True):
    """Hand tickets of a carnet to a beneficiary; the rules in force become theirs (E25)."""

    carnet: CarnetId
    holder: HolderId
    beneficiary: BeneficiaryId
    tickets: tuple[int, ...] | None = None  # ascending, from 1; None: the whole carnet

    def __post_init__(self) -> None:
        if self.tickets is not None:
            require(
                holds=bool(self.tickets)
                and self.tickets[0] > 0
                and list(self.tickets) == sorted(set(self.tickets)),
                otherwise="tickets: numbers from 1, ascending, none twice",
            )

    @property
    def stream(self) -> StreamId:
        return carnet_stream(self.carnet)

    def decide(self, at: Situation) -> Decision:
        return decide_assignment(at.streams.get(self.stream), self, at)


def decide_assignment(carnet: Carnet | None, command: AssignTickets, at: Situation) -> Decision:
    """Assign activated tickets that the holder has, while they are still handed out."""
    named: dict[str, str | int] = {"carnet": command.carnet}
    if carnet is None:
        return Refusal(Reason.CARNET_UNKNOWN, detail=named)
    tickets = command.tickets or tuple(range(1, carnet.size + 1))
    if tickets[-1] > carnet.size:
        return Refusal(Reason.TICKET_UNKNOWN, detail=named | {"size": carnet.size})
    entry = at.reference.programmes[carnet.issued.programme]
    version, rules = entry.rule_version, entry.rules[-1]
    if entry.closed:
        return Refusal(Reason.PROGRAMME_CLOSED, version, named)
    if not carnet.activated:
        return Refusal(Reason.CARNET_NOT_ACTIVATED, version, named)
    if carnet.holder != command.holder:
        return Refusal(Reason.HOLDER_DIFFERS, version, named | {"holder": carnet.holder})
    if any(ticket in carnet.assigned for ticket in tickets):
        return Refusal(Reason.TICKET_ALREADY_ASSIGNED, version, named)
    if at.now >= carnet.issued.valid_until:
        return Refusal(Reason.CARNET_EXPIRED, version, named)
    if _distribution_is_over(rules, carnet, entry.opened.zone, at):
        return Refusal(Reason.DISTRIBUTION_ENDED, version, named)

    # From here on the assignment succeeds.
    assigned = CarnetAssigned(
        carnet=carnet.id,
        tickets=tickets,
        beneficiary=command.beneficiary,
        holder=command.holder,
        rule_version=version,
    )
    return Accepted(((command.stream, assigned),))


def _distribution_is_over(rules: Rules, carnet: Carnet, zone: str, at: Situation) -> bool:
    """Whether tickets may no longer be handed out, though those handed out still serve (R33)."""
    if rules.distribution_last_day is None:
        return False
    last = date.fromisoformat(f"{carnet.issued.millesime}-{rules.distribution_last_day}")
    return at.now >= end_of_day(last, zone)
