"""What has to exist before a ticket can be redeemed: programmes, venues, terminals, carnets.

Every seeding has programmes and terminals of its own, so a ledger can be seeded again.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing import get_context

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stdnum import luhn

from ledger.decisions.funding import RecordFunding
from ledger.decisions.programmes import OpenProgramme, PublishRules, RegisterHolder, StartLedger
from ledger.decisions.situation import Command
from ledger.decisions.terminals import EnrolTerminal, InviteTerminal
from ledger.decisions.venues import QualifyVenue, RegisterVenue
from ledger.facts import Rules
from ledger.values.clock import real_now
from ledger.values.codes import ALPHABET
from ledger.values.ids import ProgrammeId, VenueId, derived_id, terminal_id
from ledger.values.keys import encode_base64url, fingerprint
from ledger.values.money import Cents
from loadtests.filling import ACTOR, HOLDER, Fill, fill
from loadtests.scratch import Scratch
from loadtests.seeded import Device, Seeded
from loadtests.writing import carry_out, ledger_now, open_writer

TERMINALS = 20
TERMINALS_A_VENUE = 2
AMPLE_CENTS = Cents(10**12)


def seed(ledger: Scratch, carnets: int, size: int, terminals: int = TERMINALS) -> Seeded:
    """Make at least so many assigned carnets of `size` tickets, and the terminals to take them.

    Raises:
        RefusedError: a command was not carried out.

    """
    name = "B" + "".join(secrets.choice(ALPHABET) for _ in range(5))
    workers = (os.cpu_count() or 1) + 1  # one waits for the database while another computes
    programmes = [ProgrammeId(f"{name}{number:02}") for number in range(workers)]
    devices = [_device(name, number) for number in range(terminals)]
    uvloop.run(_prepare(ledger, programmes, devices, size))
    share = -(-carnets // workers)
    work = [Fill(ledger.database, ledger.folder, name, share, size) for name in programmes]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        codes = list(pool.map(fill, work))
    return Seeded(devices, [line for path in codes for line in path.read_text().splitlines()])


async def _prepare(
    ledger: Scratch, programmes: list[ProgrammeId], devices: list[Device], size: int
) -> None:
    async with open_writer(ledger.database, ledger.folder) as writer:
        if writer.reference.origin is None:
            start = StartLedger(command_id=derived_id("start"), actor=ACTOR, demo=False)
            await carry_out(writer, start)
        year = ledger_now(writer).year
        for command in (
            RegisterHolder(
                command_id=derived_id("holder"), actor=ACTOR, holder=HOLDER, name="Load"
            ),
            *(command for name in programmes for command in _programme(name, size, year)),
            *(command for venue in {d.venue for d in devices} for command in _venue(venue)),
            *(command for device in devices for command in _enrolment(device)),
        ):
            await carry_out(writer, command)


def _programme(name: ProgrammeId, size: int, year: int) -> Iterator[Command]:
    yield OpenProgramme(
        command_id=derived_id("open", name),
        actor=ACTOR,
        programme=name,
        name="Load",
        zone="Europe/Paris",
        cap_tickets=None,
        shares={HOLDER: 1},
    )
    yield PublishRules(
        command_id=derived_id("rules", name),
        actor=ACTOR,
        programme=name,
        rule_version=1,
        rules=Rules(
            sizes=(size,),
            face_value_cents=Cents(1000),
            millesimes=(year,),
            max_tickets_per_claim=size,
        ),
    )
    yield RecordFunding(
        command_id=derived_id("cash", name),
        actor=ACTOR,
        programme=name,
        millesime=year,
        stage="cash",
        reference="load",
        cents={HOLDER: AMPLE_CENTS},
    )


def _venue(venue: VenueId) -> Iterator[Command]:
    yield RegisterVenue(
        command_id=derived_id("venue", venue),
        actor=ACTOR,
        venue=venue,
        name="Load",
        region="27",
        department="25",
    )
    yield QualifyVenue(
        command_id=derived_id("qualify", venue),
        actor=ACTOR,
        venue=venue,
        first_day=date(2020, 1, 1),
        last_day=None,
        authority="load",
    )


def _device(name: str, number: int) -> Device:
    siren_and_office = f"2125005{number // TERMINALS_A_VENUE:06}"
    key = Ed25519PrivateKey.generate()
    return Device(
        terminal=terminal_id(derived_id("invite", name, number)),
        venue=VenueId(siren_and_office + luhn.calc_check_digit(siren_and_office)),
        fingerprint=fingerprint(encode_base64url(key.public_key().public_bytes_raw())),
        private_key=key.private_bytes_raw(),
    )


def _enrolment(device: Device) -> Iterator[Command]:
    """Its invitation, and the binding of its key, whose proof the service checks elsewhere."""
    key = Ed25519PrivateKey.from_private_bytes(device.private_key).public_key()
    now = real_now()
    yield InviteTerminal(
        command_id=derived_id("invitation", device.terminal),
        actor=ACTOR,
        terminal=device.terminal,
        venue=device.venue,
        label="load",
        invitation_digest=hashlib.sha256(device.terminal.encode()).hexdigest(),
        expires_at=now + timedelta(minutes=10),
    )
    yield EnrolTerminal(
        command_id=derived_id("enrol", device.terminal),
        actor=ACTOR,
        terminal=device.terminal,
        invitation=device.terminal,
        asked_at=now,
        algorithm="ed25519",
        public_key=encode_base64url(key.public_bytes_raw()),
        fingerprint=device.fingerprint,
    )
