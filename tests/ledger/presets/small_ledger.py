"""A ledger in memory: decide, fold what was accepted, go on. No database."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, get_args

from ledger import presets
from ledger.decisions.folds import FOLDS
from ledger.decisions.funding import ActivateCarnets, RecordFunding
from ledger.decisions.programmes import OrderCarnets
from ledger.decisions.redemption import RedeemTickets, one_carnet
from ledger.decisions.reference import Reference
from ledger.decisions.situation import Accepted, Command, Decision, Situation
from ledger.decisions.stock import AssignTickets, IssueCarnets
from ledger.facts import (
    AnyFact,
    CarnetsOrdered,
    Event,
    HolderRegistered,
    OriginStarted,
    ReferenceFact,
    TerminalEnrolled,
    TerminalInvited,
    VenueQualified,
    VenueRegistered,
)
from ledger.values.codes import Pepper, make_codes, parse_code
from ledger.values.ids import (
    BeneficiaryId,
    CarnetId,
    HolderId,
    OrderId,
    ProgrammeId,
    StreamId,
    VenueId,
    carnet_id,
    terminal_id,
)
from ledger.values.money import Cents
from ledger.values.reasons import Reason, Refusal

ACTOR: Final = "operator:tests"
HOLDER: Final = HolderId("stock")
VENUE: Final = VenueId("21620427100016")
TERMINAL: Final = terminal_id("tests")
FINGERPRINT: Final = "0123456789abcdef"
SEED: Final = bytes(32)
PEPPER: Final = Pepper(b"a pepper of the tests")


@dataclass
class SmallLedger:
    """Streams and reference data, moved on by the real decisions and folds."""

    now: datetime = datetime(2022, 3, 1, 9, tzinfo=UTC)
    reference: Reference = field(default_factory=Reference)
    streams: dict[StreamId, Any] = field(default_factory=dict)
    happened: int = 0

    def __post_init__(self) -> None:
        peppers = {"p": PEPPER.fingerprint}
        self.reference.fold(OriginStarted(demo=False, peppers=peppers), 0)
        self.reference.fold(HolderRegistered(holder=HOLDER, name="Stock"), 0)

    def open(self, name: str, on: date | None = None) -> None:
        """Carry out the commands of a preset, but for those that are carried out already."""
        for command in presets.commands(name, ACTOR, on=on):
            self.decide(command)

    def decide(self, command: Command) -> Decision:
        """The answer to `command`; what it leads to has happened."""
        seen = {
            stream: self.streams[stream] for stream in command.streams if stream in self.streams
        }
        decision = command.decide(Situation(seen, self.reference, self.now, {"p": PEPPER}))
        if isinstance(decision, Accepted):
            for stream, fact in decision.facts:
                self._fold(stream, fact, command.command_id)
        return decision

    def accept(self, command: Command) -> AnyFact:
        """The last fact of a command that has to be accepted."""
        decision = self.decide(command)
        assert isinstance(decision, Accepted), (command, decision)
        return decision.facts[-1][1]

    def order(self, programme: str, millesime: int, carnets: int, size: int) -> OrderCarnets:
        """A command with an id of its own."""
        entry = self.reference.programmes[ProgrammeId(programme)]
        name = f"order-{self.happened}"
        return OrderCarnets(
            command_id=name,
            actor=ACTOR,
            programme=entry.opened.programme,
            parent=entry.opened.parent,
            order=OrderId(name),
            millesime=millesime,
            carnets=carnets,
            size=size,
            holder=HOLDER,
        )

    def hand_out_one(self, programme: str, millesime: int, size: int) -> CarnetsOrdered:
        """Order, fund, issue, activate and assign a carnet, under the rules in force."""
        ordered = self.accept(self.order(programme, millesime, 1, size))
        assert isinstance(ordered, CarnetsOrdered)
        opened = self.reference.programmes[ordered.programme].opened
        carnet, paid = _carnet(ordered), Cents(size * ordered.face_value_cents)
        codes = make_codes(SEED, programme, ordered.first_number, size)
        for command in (
            RecordFunding(
                command_id=f"fund {carnet}",
                actor=ACTOR,
                programme=ordered.programme,
                millesime=millesime,
                stage="cash",
                reference="bank",
                cents=dict.fromkeys(opened.shares, paid),
            ),
            IssueCarnets(
                command_id=f"issue {carnet}",
                actor=ACTOR,
                programme=ordered.programme,
                order=ordered.order,
                first_number=ordered.first_number,
                pepper_id="p",
                digests=(tuple(PEPPER.digest(code) for code in codes),),
            ),
            ActivateCarnets(
                command_id=f"activate {carnet}",
                actor=ACTOR,
                programme=ordered.programme,
                millesime=millesime,
                carnets=(carnet,),
            ),
            AssignTickets(
                command_id=f"assign {carnet}",
                actor=ACTOR,
                carnet=carnet,
                holder=HOLDER,
                beneficiary=BeneficiaryId("somebody"),
            ),
        ):
            self.accept(command)
        return ordered

    def open_venue(self, *, region: str, department: str) -> None:
        """A qualified venue with an enrolled terminal."""
        for fact in (
            VenueRegistered(venue=VENUE, name="Fablab", region=region, department=department),
            VenueQualified(
                venue=VENUE, first_day=date(2019, 1, 1), last_day=None, authority="tests"
            ),
            TerminalInvited(
                terminal=TERMINAL,
                venue=VENUE,
                label="till",
                invitation_digest="",
                expires_at=self.now,
            ),
            TerminalEnrolled(
                terminal=TERMINAL,
                venue=VENUE,
                algorithm="ed25519",
                public_key="",
                fingerprint=FINGERPRINT,
            ),
        ):
            self.reference.fold(fact, self.happened)

    def redeem(self, ordered: CarnetsOrdered, ticket: int, now: datetime) -> Reason | None:
        """Have the venue take a ticket of the order's first carnet; why not, if it doesn't."""
        self.now = now
        codes = make_codes(SEED, ordered.programme, ordered.first_number, ordered.size)
        carnet, shown = one_carnet([parse_code(codes[ticket - 1])])
        decision = self.decide(
            RedeemTickets(
                command_id=f"claim-{self.happened}",
                actor=ACTOR,
                terminal=TERMINAL,
                fingerprint=FINGERPRINT,
                stream=carnet,
                codes=shown,
                sequence=self.happened,
                signed_at=int(now.timestamp()),
            )
        )
        return decision.reason if isinstance(decision, Refusal) else None

    def _fold(self, stream: StreamId, fact: AnyFact, command_id: str) -> None:
        self.happened += 1
        event = Event(
            stream=stream,
            version=self.happened,
            recorded_at=self.now,
            command_id=command_id,
            actor=ACTOR,
            fact=fact,
        )
        if evolve := FOLDS.get(type(fact)):
            self.streams[stream] = evolve(self.streams.get(stream), event, fact, self.happened)
        if isinstance(fact, get_args(ReferenceFact)):
            self.reference.fold(fact, self.happened)


def _carnet(ordered: CarnetsOrdered) -> CarnetId:
    return carnet_id(ordered.programme, ordered.first_number)
