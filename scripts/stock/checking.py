"""What the log tells beforehand of work on many carnets: they fit, or nothing of it is begun.

A command has at most 400 carnets, so an order takes several, and one that is refused leaves those
before it done. Only what somebody else does in between is left for the ledger to find.
"""

from collections.abc import Callable, Sequence

from api.streams import events_of, fold
from ledger.decisions.carnets import Carnet
from ledger.decisions.funding import Funding, covered_cents
from ledger.facts import CarnetsOrdered
from ledger.values.ids import CarnetId, HolderId, funding_stream
from ledger.values.money import allocate
from ledger.values.reasons import Reason, Refusal
from scripts.common.ledger import Ledger
from scripts.common.refusals import RefusedError
from scripts.common.showing import euros, plain_euros
from scripts.common.unknown import advice
from scripts.stock.choosing import as_they_are, number_of

Verdict = bool | Refusal  # whether it is still to be done, or why it can't be


async def to_activate(
    ledger: Ledger, ordered: CarnetsOrdered, carnets: Sequence[CarnetId]
) -> list[CarnetId]:
    """Those that are not in circulation yet, if all of them can be.

    Raises:
        RefusedError: one isn't issued, or their face value isn't funded.
    """

    def judge(carnet: Carnet) -> Verdict:
        return not carnet.activated

    left = await _left_of(ledger, ordered, carnets, judge, "activated")
    if left:
        await _refuse_unfunded(ledger, ordered, carnets, left)
    return left


async def to_transfer(
    ledger: Ledger,
    ordered: CarnetsOrdered,
    carnets: Sequence[CarnetId],
    holders: tuple[HolderId, HolderId],
) -> list[CarnetId]:
    """Those that the receiver does not have yet, if the sender has them and can give them away.

    Raises:
        RefusedError: a holder is unknown; or one isn't issued, is elsewhere, or handed out.
    """
    sender, receiver = holders
    _refuse_unknown(ledger, holders)

    def judge(carnet: Carnet) -> Verdict:
        if carnet.holder == receiver:
            return False
        if carnet.holder != sender:
            return _elsewhere(carnet)
        if carnet.assigned:
            return Refusal(Reason.TICKET_ALREADY_ASSIGNED, detail={"carnet": carnet.id})
        return True

    return await _left_of(ledger, ordered, carnets, judge, "moved")


async def to_assign(
    ledger: Ledger, ordered: CarnetsOrdered, carnets: Sequence[CarnetId], holder: HolderId
) -> list[CarnetId]:
    """Those that are not handed out yet, if the holder has all of them and they are activated.

    Raises:
        RefusedError: the holder is unknown; or one isn't issued, isn't activated, or is elsewhere.
    """
    _refuse_unknown(ledger, (holder,))

    def judge(carnet: Carnet) -> Verdict:
        if not carnet.activated:
            return Refusal(Reason.CARNET_NOT_ACTIVATED, detail={"carnet": carnet.id})
        if carnet.holder != holder:
            return _elsewhere(carnet)
        return not carnet.assigned

    return await _left_of(ledger, ordered, carnets, judge, "handed out")


def _elsewhere(carnet: Carnet) -> Refusal:
    return Refusal(Reason.HOLDER_DIFFERS, detail={"carnet": carnet.id, "holder": carnet.holder})


def _refuse_unknown(ledger: Ledger, holders: Sequence[HolderId]) -> None:
    for holder in holders:
        if holder not in ledger.writer.reference.holders:
            reason = Reason.HOLDER_UNKNOWN
            raise RefusedError(Refusal(reason), advice(reason, holder))


async def _left_of(
    ledger: Ledger,
    ordered: CarnetsOrdered,
    carnets: Sequence[CarnetId],
    judge: Callable[[Carnet], Verdict],
    done: str,
) -> list[CarnetId]:
    """Those that something is still to be done with, if none stands in the way."""
    left: list[CarnetId] = []
    refused: list[Refusal] = []
    async for name, carnet in as_they_are(ledger, carnets):
        unknown = Refusal(Reason.CARNET_UNKNOWN, detail={"carnet": name})
        verdict = unknown if carnet is None else judge(carnet)
        if isinstance(verdict, Refusal):
            refused.append(verdict)
        elif verdict:
            left.append(name)
    if refused:
        others = ""
        if len(carnets) > 1:
            fit = len(carnets) - len(refused)
            others = f"\n{fit:,} of {len(carnets):,} carnets could be {done}; nothing was done."
        raise RefusedError(refused[0], _why(ordered, carnets, refused[0]) + others)
    return left


def _why(ordered: CarnetsOrdered, asked: Sequence[CarnetId], refusal: Refusal) -> str:
    """What is the matter with a carnet, and the command that comes next."""
    carnet, named = CarnetId(str(refusal.detail["carnet"])), f"{ordered.programme} {ordered.order}"
    match refusal.reason:
        case Reason.HOLDER_DIFFERS:
            return f"{carnet} is with {refusal.detail['holder']}."
        case Reason.CARNET_NOT_ACTIVATED:
            span = f"--first {number_of(asked[0])} --count {len(asked)}"
            return f"{carnet} is not in circulation: `souche order activate {named} {span}`"
        case Reason.CARNET_UNKNOWN:
            return f"{carnet} is not issued yet: `souche order issue {named} --to FILE` goes on."
        case _:
            return f"{carnet} was handed out: `souche carnet {carnet}` shows when."


async def _refuse_unfunded(
    ledger: Ledger, ordered: CarnetsOrdered, asked: Sequence[CarnetId], left: Sequence[CarnetId]
) -> None:
    programme, millesime = ordered.programme, ordered.millesime
    entry = ledger.writer.reference.programmes[programme]
    if entry.closed:
        return  # the ledger refuses it for that
    events = await events_of(ledger.views, funding_stream(programme, millesime))
    funding = fold(events, Funding) or Funding()
    room = covered_cents(funding, entry.rules[-1]) - funding.activated
    value = ordered.size * ordered.face_value_cents
    missing = len(left) * value - room
    if missing <= 0:
        return

    stage = entry.rules[-1].activation_requires
    parts = allocate(missing, entry.opened.shares)
    told = " ".join(f"{name}={plain_euros(part)}" for name, part in parts.items() if part)
    lack = f"{euros(missing)} ({stage}) are missing for {len(left):,} carnets more in circulation"
    lines = [
        f"{lack}; nothing was done.",
        # Pasted as it stands, the shell refuses it: this is booked once it has come.
        f"`souche programme fund {programme} {millesime} {stage} <REFERENCE> {told}`",
    ]
    if covered := max(room, 0) // value:
        count = asked.index(left[covered])
        words = f"{programme} {ordered.order} --first {number_of(asked[0])} --count {count}"
        lines.append(f"The funds suffice for {covered:,} of them: `souche order activate {words}`")
    detail: dict[str, str | int] = {"requires": stage, "missing_cents": missing}
    refusal = Refusal(Reason.FUNDING_INSUFFICIENT, entry.rule_version, detail)
    raise RefusedError(refusal, "\n".join(lines))
