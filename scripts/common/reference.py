"""Reference data as the log tells it: programmes, holders, venues, terminals."""

from ledger.decisions.reference import Reference
from ledger.facts import TerminalInvited
from ledger.facts.codec import decode
from ledger.log.rows import READ_REFERENCE
from ledger.values.ids import TerminalId
from scripts.common.working import Views


async def reference_of(views: Views) -> Reference:
    """All of it, folded as the writer folds it."""
    cursor = await views.connection.execute(READ_REFERENCE, {"after": 0}, binary=True)
    reference = Reference()
    async for position, state in cursor:
        reference.fold(decode(state).fact, position)
    return reference


async def labels_of(views: Views) -> dict[TerminalId, str]:
    """What people call each terminal: no decision needs it, so reference data leaves it out."""
    cursor = await views.connection.execute(READ_REFERENCE, {"after": 0}, binary=True)
    facts = [decode(state).fact async for _, state in cursor]
    return {fact.terminal: fact.label for fact in facts if isinstance(fact, TerminalInvited)}
