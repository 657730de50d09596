"""Routes by which a device enrols, opens a session, and rolls its key."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api import strangers
from api.bodies import Body, StrictRoute
from api.devices import bound_key, require_invitation
from api.execution import execute
from api.fields import Terminal
from api.nonces import NONCE_SECONDS, check_nonce, make_nonce, spend
from api.problems import ProblemError, problem
from api.state import ServiceDep
from ledger.batch import Recorded
from ledger.facts import KeyRolled, TerminalEnrolled
from ledger.service import enrol_command, prove_key, roll_command
from ledger.values.clock import real_now, unix_now
from ledger.values.keys import (
    InvalidKeyError,
    KeyAlgorithm,
    encode_base64url,
    roll_message,
    session_message,
)

router = APIRouter(
    prefix="/v1",
    tags=["terminals"],
    route_class=StrictRoute,
    dependencies=[Depends(strangers.counted)],
)

Encoded = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class ChallengeRequest(Body):
    """Which device wants to sign."""

    terminal: Terminal


class Challenge(BaseModel):
    """What to sign."""

    nonce: str = Field(description="Sign it within two minutes; it is good for one session.")
    expires_at: str


class SessionRequest(Body):
    """A nonce, signed."""

    terminal: Terminal
    nonce: Annotated[str, Field(max_length=200)]
    signature: Encoded = Field(
        description="By the device's key, over `souche-session-v1`, the authority, the terminal "
        "and the nonce, joined by line feeds. ECDSA: r and s, 64 bytes."
    )


class OpenedSession(BaseModel):
    """The key for up to fifteen minutes of requests."""

    session: str
    mac_key: str = Field(description="Base64url: 32 bytes. Signs this session's requests.")
    expires_at: str
    server_time: str = Field(description="Our clock, so that the device can measure its skew.")


class EnrolRequest(Body):
    """An invitation, and the device's new key."""

    invitation: Annotated[str, Field(pattern=r"^t-[0-9a-f]{12}-[0-9a-f]{30}$")]
    algorithm: KeyAlgorithm
    public_key: Encoded = Field(
        description="Ed25519: 32 bytes; ECDSA P-256: the uncompressed point, 65 bytes."
    )
    signature: Encoded = Field(
        description="By that key, over `souche-enrol-v1`, the authority, the invitation and the "
        "public key as sent, joined by line feeds."
    )


class Enrolled(BaseModel):
    """The key that the device is known by from here on."""

    terminal: str
    venue: str
    fingerprint: str
    position: int


class RollRequest(Body):
    """A new key, vouched for by the old one."""

    terminal: Terminal
    algorithm: KeyAlgorithm
    public_key: Encoded
    nonce: Annotated[str, Field(max_length=200)]
    signature: Encoded = Field(
        description="By the new key, over `souche-roll-v1`, the authority, the terminal, the nonce "
        "and the new public key as sent, joined by line feeds."
    )
    old_signature: Encoded = Field(
        description="By the old key, over the very same: nobody can put another key in its place."
    )


@router.post("/challenges", status_code=HTTPStatus.CREATED)
async def challenge(body: ChallengeRequest, service: ServiceDep) -> Challenge:
    """Ask for a nonce to sign. Any terminal gets one, known or not."""
    return Challenge(
        nonce=make_nonce(service, body.terminal),
        expires_at=shown(real_now() + timedelta(seconds=NONCE_SECONDS)),
    )


@router.post("/sessions", status_code=HTTPStatus.CREATED)
async def open_session(body: SessionRequest, service: ServiceDep) -> OpenedSession:
    """Open a session of at most fifteen minutes by signing a nonce with the device's key."""
    check_nonce(service, body.terminal, body.nonce)
    bound = await bound_key(service, body.terminal)
    message = session_message(service.sessions.authority, body.terminal, body.nonce)
    bound.check(body.signature, message)
    await spend(service, body.nonce)
    session, opened = service.sessions.open(body.terminal, bound.fact.fingerprint)
    remaining = opened.expires_at - int(unix_now())
    return OpenedSession(
        session=session,
        mac_key=encode_base64url(opened.mac_key),
        expires_at=shown(real_now() + timedelta(seconds=remaining)),
        server_time=shown(real_now()),
    )


@router.post(
    "/terminals/enrol",
    status_code=HTTPStatus.CREATED,
    dependencies=[Depends(strangers.limited)],
)
async def enrol(body: EnrolRequest, service: ServiceDep) -> Enrolled:
    """Bind a device's key to its invitation. Safe to retry with the same key."""
    try:
        command = enrol_command(
            service.sessions.authority,
            body.invitation,
            body.algorithm,
            body.public_key,
            body.signature,
        )
    except InvalidKeyError as e:
        raise ProblemError(problem("unauthenticated", str(e))) from e
    await require_invitation(service, command.terminal, body.invitation)
    return _key_bound(await execute(service.writer, command))


@router.post("/terminals/roll", status_code=HTTPStatus.CREATED)
async def roll(body: RollRequest, service: ServiceDep) -> Enrolled:
    """Replace the device's key. The old key signs the new one, and the new one proves itself.

    Safe to retry with the same new key: once that is the device's key, this is the first answer
    again, whatever the nonce and the old key's signature are by then.
    """
    message = roll_message(service.sessions.authority, body.terminal, body.nonce, body.public_key)
    try:
        prove_key(body.algorithm, body.public_key, body.signature, message)
    except InvalidKeyError as e:
        raise ProblemError(problem("unauthenticated", str(e))) from e
    bound = await bound_key(service, body.terminal)
    if bound.fact.public_key == body.public_key:
        return _known_by(bound.fact, bound.position)
    check_nonce(service, body.terminal, body.nonce)
    bound.check(body.old_signature, message)
    await spend(service, body.nonce)
    command = roll_command(
        body.terminal, bound.fact.fingerprint, bound.position, body.algorithm, body.public_key
    )
    return _key_bound(await execute(service.writer, command))


def _key_bound(recorded: Recorded) -> Enrolled:
    fact = recorded.event.fact
    if not isinstance(fact, (TerminalEnrolled, KeyRolled)):
        raise TypeError(f"a key was bound by {type(fact).__name__}")
    return _known_by(fact, recorded.position)


def _known_by(fact: TerminalEnrolled | KeyRolled, position: int) -> Enrolled:
    return Enrolled(
        terminal=fact.terminal, venue=fact.venue, fingerprint=fact.fingerprint, position=position
    )


def shown(instant: datetime) -> str:
    """An instant as JSON has it: 2026-11-22T01:40:12Z."""
    return instant.isoformat().replace("+00:00", "Z")
