"""Activate an order's carnets, move them, hand them out: in chunks, each of which is atomic."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from uuid import uuid4

from ledger.batch import Recorded
from ledger.decisions.funding import ActivateCarnets
from ledger.decisions.situation import Command
from ledger.decisions.stock import AssignTickets, TransferCarnets
from ledger.facts import CarnetsOrdered
from ledger.values.ids import BeneficiaryId, CarnetId, HolderId, derived_id
from ledger.values.reasons import Reason, Refusal
from scripts.common.ending import CommandError, Exit
from scripts.common.ledger import AT_ONCE, Ledger
from scripts.common.refusals import RefusedError
from scripts.stock.choosing import parcels

Advance = Callable[[int], None]

# What was looked at first, and has to have happened since.
_MEANWHILE: Final = frozenset(
    {Reason.HOLDER_DIFFERS, Reason.TICKET_ALREADY_ASSIGNED, Reason.CARNET_ALREADY_ACTIVATED}
)


async def activate(
    ledger: Ledger, ordered: CarnetsOrdered, carnets: Sequence[CarnetId], advance: Advance
) -> None:
    """Put carnets into circulation that are not: `to_activate` tells which.

    Raises:
        RefusedError: something is in the way all the same. Says how many were before it.
    """

    def activation(parcel: tuple[CarnetId, ...]) -> Command:
        return ActivateCarnets(
            command_id=derived_id("activate", *parcel),
            actor=ledger.actor.id,
            programme=ordered.programme,
            millesime=ordered.millesime,
            carnets=parcel,
        )

    await _parcel_by_parcel(ledger, carnets, activation, "activated", advance)


def refuse_same(sender: HolderId, receiver: HolderId) -> None:
    """Carnets move to somebody else.

    Raises:
        CommandError: they would stay where they are.
    """
    if sender == receiver:
        raise CommandError(
            f"The carnets are with {receiver} already: name another holder with --to.",
            code=Exit.USAGE,
        )


async def transfer(
    ledger: Ledger,
    carnets: Sequence[CarnetId],
    holders: tuple[HolderId, HolderId],
    advance: Advance,
) -> None:
    """Move carnets from one holder to another: `to_transfer` tells which.

    Raises:
        RefusedError: a holder is unknown, or has not all of these, or some are handed out. Says
            how many moved before.
    """
    sender, receiver = holders

    def move(parcel: tuple[CarnetId, ...]) -> Command:
        return TransferCarnets(
            command_id=str(uuid4()),
            actor=ledger.actor.id,
            carnets=parcel,
            sender=sender,
            receiver=receiver,
        )

    await _parcel_by_parcel(ledger, carnets, move, "moved", advance)


async def _parcel_by_parcel(
    ledger: Ledger,
    carnets: Sequence[CarnetId],
    command_of: Callable[[tuple[CarnetId, ...]], Command],
    what: str,
    advance: Advance,
) -> None:
    done = 0
    for parcel in parcels(carnets):
        try:
            await ledger.do(command_of(parcel))
        except RefusedError as e:
            told = f"{done:,} of {len(carnets):,} carnets were {what}"
            raise _stopped(e, done, told, parcel[0]) from e
        done += len(parcel)
        advance(len(parcel))


async def assign(
    ledger: Ledger, carnets: Sequence[CarnetId], holder: HolderId, advance: Advance
) -> int:
    """Hand each carnet to somebody, known by a random id alone. Returns how many were, just now.

    Carnets that were handed out before are passed over.

    Raises:
        RefusedError: for any other reason. Says how many were handed out.
    """
    assigned = 0
    for part in _parts(carnets):
        answers = await ledger.answers([_assignment(ledger, each, holder) for each in part])
        assigned += sum(isinstance(answer, Recorded) for answer in answers)
        for carnet, answer in zip(part, answers, strict=True):
            if isinstance(answer, Refusal) and answer.reason is not Reason.TICKET_ALREADY_ASSIGNED:
                told = f"{assigned:,} of {len(carnets):,} carnets were handed out"
                raise _stopped(RefusedError(answer), assigned, told, carnet)
        advance(len(part))
    return assigned


def _parts(carnets: Sequence[CarnetId]) -> Iterator[Sequence[CarnetId]]:
    """One first: what all of them are refused for is asked, and kept, once."""
    yield carnets[:1]
    for start in range(1, len(carnets), AT_ONCE):
        yield carnets[start : start + AT_ONCE]


def _assignment(ledger: Ledger, carnet: CarnetId, holder: HolderId) -> AssignTickets:
    return AssignTickets(
        command_id=str(uuid4()),
        actor=ledger.actor.id,
        carnet=carnet,
        holder=holder,
        beneficiary=BeneficiaryId(str(uuid4())),
    )


def _stopped(error: RefusedError, done: int, told: str, carnet: CarnetId) -> RefusedError:
    """A refusal in the middle: what was done before it stays, and has to be known."""
    if not done and error.refusal.reason not in _MEANWHILE:
        return error
    again = "Run the same command again: it goes on, or says what is in the way."
    where = error.refusal.detail.get("carnet", carnet)
    return RefusedError(error.refusal, f"{told}; stopped at {where}.\n{again}")
