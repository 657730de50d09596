"""What a ledger refuses, tried on purpose: claims of enrolled tills, for several reasons."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from ledger.decisions.terminals import RevokeTerminal
from ledger.values.codes import ALPHABET, check_character, parse_code, shown
from ledger.values.ids import TerminalId
from scripts.common.ledger import Ledger
from scripts.demonstration.afternoon import redeem
from scripts.demonstration.till import Claim, Till


@dataclass(frozen=True, slots=True)
class Tickets:
    """Codes of carnets, by what there is to say of them."""

    redeemed: Sequence[Sequence[str]]
    good: Sequence[Sequence[str]]  # handed out and not used yet
    in_stock: Sequence[Sequence[str]]  # activated, never handed out
    expired: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Tills:
    """Who tries."""

    honest: Till
    revoked: Till
    withdrawn: Till  # of the venue that is no longer qualified


async def revoke(ledger: Ledger, till: Till) -> None:
    """Its session is open, and redeems nothing from this position on."""
    await ledger.do(
        RevokeTerminal(
            command_id=str(uuid4()),
            actor=ledger.actor.id,
            terminal=TerminalId(till.id),
            cause="stolen",
        )
    )


def try_in_vain(tills: Tills, tickets: Tickets) -> Counter[str]:
    """Send claims that have to be refused; count the reasons given."""
    work: dict[Till, deque[Claim]] = {}
    for till, codes in _attempts(tills, tickets):
        work.setdefault(till, deque()).append(till.claim(codes))
    return redeem(work.items(), lambda _: None).refused


def _attempts(tills: Tills, tickets: Tickets) -> Iterator[tuple[Till, Sequence[str]]]:
    for carnet in tickets.redeemed[:5]:
        yield tills.honest, carnet[:1]
    for carnet in tickets.expired:
        yield tills.honest, carnet[:2]
    for carnet in tickets.good[:3]:
        yield tills.honest, [_with_another_secret(carnet[0])]
        yield tills.revoked, carnet[:1]
        yield tills.withdrawn, carnet[:1]
        yield tills.honest, carnet[:3]  # a workshop takes two at most
    for carnet in tickets.in_stock[:2]:
        yield tills.honest, carnet[:1]


def _with_another_secret(code: str) -> str:
    """A code as somebody would guess it: well formed, and of no ticket."""
    text = parse_code(code).text
    for letter in ALPHABET:
        guess = text[:-2] + letter
        check = check_character(guess)
        if letter != text[-2] and check is not None:
            return shown(guess + check)
    raise AssertionError("unreachable: most letters have a check character")
