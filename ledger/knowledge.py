"""The reference data that a writer knows, kept up with the log's."""

from collections.abc import Mapping

from ledger.decisions.reference import Reference
from ledger.facts.codec import UnreadableEventError, decode
from ledger.log.rows import Head
from ledger.log.store import Session, Store
from ledger.secrets import require_peppers
from ledger.values.codes import Pepper


class ReferenceUnknownError(Exception):
    """The log has reference data that this program can't rely on. Nothing was done."""


class Knowledge:
    """Reference data up to a position. What relies on it is appended only while it holds."""

    def __init__(self, peppers: Mapping[str, Pepper]) -> None:
        self._peppers = peppers
        self.reference = Reference()
        self.is_stale = True

    async def catch_up(self, source: Store | Session, head: Head) -> Reference:
        """Fold in what has come since, up to the head at least, and return what is known then.

        Whoever holds the head decides on what is returned: another lane, which read before, may
        replace `reference` by something older meanwhile. Where the head names an earlier fact than
        the last one known, the log was put back, and is read from its beginning: what is gone from
        it must not be relied on.

        Raises:
            ReferenceUnknownError: a fact there is of a later version of this program.
            WrongPepperError: the ledger's tickets are not those of our peppers.
        """
        known = self.reference if self.reference.position <= head.reference else Reference()
        reference = known.copy()
        try:
            for position, state in await source.read_reference(known.position):
                reference.fold(decode(state).fact, position)
        except UnreadableEventError as e:
            raise ReferenceUnknownError(f"reference data can't be read: {e}") from e
        if reference.origin is not None:
            require_peppers(reference.origin.peppers, self._peppers)
        if reference.position < head.reference:
            raise ReferenceUnknownError(
                f"the log's reference data go up to position {head.reference}, and this program"
                f" knows what it reads up to {reference.position}: a later version writes here."
                " Nothing is decided on this host until it runs that version, too"
            )
        self.reference = reference
        self.is_stale = False
        return reference
