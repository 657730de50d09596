"""What devices ask for: mostly redemptions, mostly right, many of them for the same."""

from collections.abc import Sequence
from functools import cache

from ledger.decisions.carnets import Carnet
from ledger.decisions.situation import Command
from ledger.values.codes import TicketCode, make_codes, parse_code
from ledger.values.ids import CarnetId, ClaimId, TerminalId, VenueId, carnet_stream, terminal_id
from tests.builders import commands as build
from tests.builders.world import FINGERPRINT, SEED, with_changes
from tests.simulation.drawing import SIZE, Drawing


@cache
def codes_of(carnet: str, seed: bytes = SEED) -> tuple[TicketCode, ...]:
    """The codes of a carnet, right ones or those of another seed."""
    programme, _, number = carnet.partition("-")
    return tuple(map(parse_code, make_codes(seed, programme, int(number), SIZE)))


class Counters:
    """Devices, and those who stand in front of them."""

    def __init__(self, drawing: Drawing) -> None:
        self._draw = drawing
        self._claims: list[tuple[CarnetId, tuple[int, ...], str]] = []

    def redeem(self) -> Command | None:
        if (carnet := self._draw.carnet()) is None:
            return None
        tickets = self._tickets(carnet)
        command = with_changes(build.redeem(), self._shown(carnet, tickets))
        self._claims.append((carnet.id, tuple(tickets), command.command_id))
        return command

    def check(self) -> Command | None:
        if (carnet := self._draw.carnet()) is None:
            return None
        return with_changes(build.check(), self._shown(carnet, self._tickets(carnet)))

    def void(self) -> Command | None:
        if (claim := self._draw.one(self._claims[-60:])) is None:
            return None
        carnet_id, tickets, claim_id = claim
        carnet = self._draw.audit.ledger.streams[carnet_stream(carnet_id)]
        shown = self._shown(carnet, tickets) | {"claim_id": ClaimId(claim_id)}
        if (taken := carnet.redemptions.get(claim_id)) is not None and self._draw.often(0.8):
            shown |= self._device_of(taken.fact.venue)
        return with_changes(build.void(), shown)

    def reuse(self) -> Command | None:
        """Another claim under an id that stood for something else."""
        if (claim := self._draw.one(self._claims[-60:])) is None:
            return None
        carnet_id, tickets, claim_id = claim
        carnet = self._draw.audit.ledger.streams[carnet_stream(carnet_id)]
        other = [n for n in range(1, SIZE + 1) if n not in tickets][:1]
        shown = self._shown(carnet, other) | {"command_id": claim_id}
        return with_changes(build.redeem(), shown)

    def sent_by(self, terminal: TerminalId) -> dict[str, object]:
        return {
            "terminal": terminal,
            "fingerprint": self._draw.audit.ledger.reference.terminals[terminal].fingerprint,
            "actor": f"terminal:{terminal}",
        }

    def _device(self) -> tuple[TerminalId, str]:
        """A device and its key's fingerprint; now and then one that may not redeem."""
        terminals = self._draw.audit.ledger.reference.terminals
        known = [(name, t) for name, t in terminals.items() if t.fingerprint]
        working = [(name, t) for name, t in known if not t.revoked]
        among = working if self._draw.often(0.95) else known
        name, terminal = self._draw.one(among) or (None, None)
        if name is None or terminal is None:
            return terminal_id("nobody"), FINGERPRINT
        return name, terminal.fingerprint if self._draw.often(0.99) else "of-another-key"

    def _device_of(self, venue: VenueId) -> dict[str, object]:
        terminals = self._draw.audit.ledger.reference.terminals.items()
        found = self._draw.one(
            [name for name, t in terminals if t.venue == venue and t.fingerprint]
        )
        return self.sent_by(found) if found else {}

    def _shown(self, carnet: Carnet, tickets: Sequence[int]) -> dict[str, object]:
        """What a device sends with these tickets; now and then with a wrong code."""
        device, fingerprint = self._device()
        codes = codes_of(carnet.id, SEED if self._draw.often(0.98) else bytes(32))
        return {
            "command_id": self._draw.new_id(),
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
        among = left if left and self._draw.often(0.85) else all_of_them
        count = min(len(among), self._draw.chance.choice((1, 1, 2)))
        return sorted(self._draw.chance.sample(among, count))
