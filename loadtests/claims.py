"""Claims for seeded carnets, as signed requests or as commands: one ticket of each, or several."""

import time
from collections.abc import Iterator, Sequence
from itertools import cycle

from ledger.decisions.redemption import RedeemTickets, one_carnet
from ledger.values.codes import parse_code
from loadtests.seeded import Device
from loadtests.service import Service
from loadtests.wire import Signer, batch_body, new_claim_id, redemption_body

REDEEM = "/v1/redemptions"
REDEEM_BATCH = "/v1/redemptions/batch"


def requests(
    service: Service, devices: Sequence[Device], carnets: Sequence[str], ticket: int
) -> Iterator[bytes]:
    """A request for each carnet's `ticket`, counted from 1; the devices take turns.

    Send them within two minutes: signatures age.
    """
    signers = cycle(_signers(service, devices, REDEEM))
    for body, signer in zip(_bodies(carnets, ticket), signers, strict=False):
        yield signer.post(body)


def batch_requests(
    service: Service, devices: Sequence[Device], carnets: Sequence[str], ticket: int, size: int
) -> Iterator[bytes]:
    """The same claims, `size` of them a request."""
    bodies = list(_bodies(carnets, ticket))
    signers = cycle(_signers(service, devices, REDEEM_BATCH))
    for first, signer in zip(range(0, len(bodies), size), signers, strict=False):
        yield signer.post(batch_body(bodies[first : first + size]))


def commands(
    devices: Sequence[Device], carnets: Sequence[str], tickets: Sequence[int]
) -> Iterator[RedeemTickets]:
    """A command for each carnet, which takes `tickets`."""
    signed_at = _now_ms() // 1000
    for sequence, (line, device) in enumerate(zip(carnets, cycle(devices), strict=False), 1):
        codes = line.split()
        carnet, shown = one_carnet([parse_code(codes[ticket - 1]) for ticket in tickets])
        yield RedeemTickets(
            command_id=new_claim_id(_now_ms()),
            actor=f"terminal:{device.terminal}",
            terminal=device.terminal,
            fingerprint=device.fingerprint,
            stream=carnet,
            codes=shown,
            sequence=sequence,
            signed_at=signed_at,
        )


def _bodies(carnets: Sequence[str], ticket: int) -> Iterator[bytes]:
    at_ms = _now_ms()
    for sequence, line in enumerate(carnets, 1):
        code = line.split()[ticket - 1]
        yield redemption_body(new_claim_id(at_ms), (code,), sequence)


def _signers(service: Service, devices: Sequence[Device], path: str) -> list[Signer]:
    created = _now_ms() // 1000
    return [Signer(service.session(device), path, created) for device in devices]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
