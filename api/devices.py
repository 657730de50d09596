"""What the log knows of a device: the key that it has to hold, or its invitation."""

from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

from api.problems import ProblemError, problem
from api.state import Service
from api.streams import events_of
from ledger.facts import KeyRolled, TerminalEnrolled, TerminalInvited, TerminalRevoked
from ledger.service import prove_key
from ledger.values.ids import TerminalId, terminal_stream
from ledger.values.keys import InvalidKeyError
from ledger.values.reasons import Reason


class BoundKey(NamedTuple):
    """The key that a device is known by, and where in the log it was bound."""

    fact: TerminalEnrolled | KeyRolled
    position: int

    def check(self, signature: str, message: bytes) -> None:
        """Check that the device has signed `message`.

        Raises:
            ProblemError: it hasn't. No detail: an unknown device must look the same.
        """
        try:
            prove_key(self.fact.algorithm, self.fact.public_key, signature, message)
        except InvalidKeyError as e:
            raise ProblemError(problem("unauthenticated")) from e


async def bound_key(service: Service, terminal: TerminalId) -> BoundKey:
    """The device's key, as the log has it: it may have been bound just now, by another process.

    Raises:
        ProblemError: there is no such device, or it was revoked.
    """
    async with service.tokens.connection() as connection:
        events = await events_of(connection, terminal_stream(terminal))
    bound = None
    for position, event in events:
        if isinstance(event.fact, TerminalRevoked):
            raise ProblemError(problem(Reason.TERMINAL_REVOKED))
        if isinstance(event.fact, (TerminalEnrolled, KeyRolled)):
            bound = BoundKey(event.fact, position)
    if bound is None:
        raise ProblemError(problem("unauthenticated"))
    return bound


async def require_invitation(service: Service, terminal: TerminalId, invitation: str) -> None:
    """Go on only with an invitation that was made, be it used or over by now.

    Whoever invents one gets no decision: it would take the log's lock, and be kept for good.

    Raises:
        ProblemError: there is no such invitation.
    """
    async with service.tokens.connection() as connection:
        events = await events_of(connection, terminal_stream(terminal))
    digest = sha256(invitation.encode()).hexdigest()
    for _, event in events:
        fact = event.fact
        if isinstance(fact, TerminalInvited) and compare_digest(fact.invitation_digest, digest):
            return
    raise ProblemError(problem(Reason.INVITATION_UNKNOWN))
