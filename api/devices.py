"""What the log knows of a device: the key that it has to hold."""

from typing import NamedTuple

from api.problems import ProblemError, problem
from api.state import Service
from api.streams import events_of
from ledger.facts import KeyRolled, TerminalEnrolled, TerminalRevoked
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
