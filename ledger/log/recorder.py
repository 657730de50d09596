"""The log under the eventsourcing library's interface: synchronous, for readers and tools.

It appends with the same statement as the writer, so its positions have no gap either and appear
in order. It is not strict: any first version and any bytes are taken, as the library's own cases
ask. Whatever is served goes through the writer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, Literal
from uuid import UUID

import psycopg
from eventsourcing import persistence
from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent
from psycopg import sql
from psycopg_pool import ConnectionPool

from ledger.facts.codec import UnreadableEventError
from ledger.log.mapper import rows_of
from ledger.log.rows import APPEND
from ledger.log.subscription import Connection, LogSubscription

IdType = Literal["text", "uuid"]

POOL_SIZE: Final = 10  # connections at most; one is kept
PATIENCE: Final = 10.0  # seconds to wait for a connection
GIVE_UP: Final = 2.0  # seconds to try and connect; whoever asks next tries anew

_SELECT: Final = """
SELECT originator_version, topic, state FROM events
WHERE originator_id = %(stream)b
  AND (%(gt)b::bigint IS NULL OR originator_version > %(gt)b::bigint)
  AND (%(lte)b::bigint IS NULL OR originator_version <= %(lte)b::bigint)
ORDER BY originator_version {order} LIMIT %(limit)b::bigint
"""
_SELECT_ASCENDING: Final = _SELECT.format(order="ASC")
_SELECT_DESCENDING: Final = _SELECT.format(order="DESC")
_SELECT_NOTIFICATIONS: Final = """
SELECT notification_id, originator_id, originator_version, topic, state FROM events
WHERE notification_id >= %(first)b::bigint
  AND (%(stop)b::bigint IS NULL OR notification_id <= %(stop)b::bigint)
  AND (%(topics)b::text[] IS NULL OR topic = ANY(%(topics)b::text[]))
ORDER BY notification_id LIMIT %(limit)b::bigint
"""
# Gapless, so the size of the log is the position of its last event.
_MAX_NOTIFICATION_ID: Final = "SELECT nullif(size, 0) FROM log_head WHERE id = 1"

_ERRORS: Final = (  # both sides follow PEP 249
    (psycopg.InterfaceError, persistence.InterfaceError),
    (psycopg.DataError, persistence.DataError),
    (psycopg.OperationalError, persistence.OperationalError),
    (psycopg.IntegrityError, persistence.IntegrityError),
    (psycopg.InternalError, persistence.InternalError),
    (psycopg.ProgrammingError, persistence.ProgrammingError),
    (psycopg.NotSupportedError, persistence.NotSupportedError),
)


@contextmanager
def library_errors() -> Iterator[None]:
    """PostgreSQL's errors as the library's."""
    try:
        yield
    except psycopg.Error as e:
        for ours, theirs in _ERRORS:
            if isinstance(e, ours):
                raise theirs(str(e)) from e
        raise persistence.PersistenceError(str(e)) from e


class LogRecorder(ApplicationRecorder):
    """Reads the log from any number of threads, and appends to it. Close it after use."""

    def __init__(self, conninfo: str, channel: str, id_type: IdType = "text") -> None:
        """Say where the log is; nothing connects before it has to.

        `channel` is where appends are announced. `id_type` is what stream names are read back
        as; they are text in the log.
        """
        self.channel: Final = sql.Identifier(channel)
        self._conninfo = conninfo
        self._notify = sql.SQL("NOTIFY {}").format(self.channel)
        self._to_id = UUID if id_type == "uuid" else str
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            conninfo,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=POOL_SIZE,
            open=False,
            check=ConnectionPool.check_connection,  # a restarted server is no error to a reader
            timeout=PATIENCE,
            reconnect_timeout=GIVE_UP,
        )

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> list[int]:
        """Append all events, or none; return their positions. Nothing is tried twice.

        A second try could not tell a conflict from the first try's success.

        Raises:
            IntegrityError: a stream has an event with such a version already.
            OperationalError: the log can't be reached; whether it was appended is unknown.
            DataError: a topic of ours on something that isn't one of our events.
            NotSupportedError: asked to keep tracking, which lives with the read models.
        """
        if kwargs.get("tracking") is not None:
            raise persistence.NotSupportedError("tracking is kept beside the read models")
        if not stored_events:
            return []
        try:
            rows, minute = rows_of(stored_events)
        except UnreadableEventError as e:
            raise persistence.DataError(str(e)) from e
        parameters = rows.parameters(minute)
        with self._connection() as connection:
            head = connection.execute(APPEND, parameters, prepare=True).fetchone()
            if head is None:
                raise persistence.InternalError("log_head has no row")
            with suppress(psycopg.Error):  # it is in the log; followers poll, too
                connection.execute(self._notify)
        return list(range(head[0] + 1, head[0] + 1 + len(rows)))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """The events of one stream, in the order of their versions."""
        parameters = {"stream": str(originator_id), "gt": gt, "lte": lte, "limit": limit}
        found = self._fetch(_SELECT_DESCENDING if desc else _SELECT_ASCENDING, parameters)
        return [StoredEvent(originator_id, *columns) for columns in found]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Notification]:
        """Events by position. All that come later have later positions than all of these."""
        first = 1 if start is None else start if inclusive_of_start else start + 1
        parameters = {
            "first": first,
            "stop": stop,
            "topics": list(topics) or None,
            "limit": limit,
        }
        return [
            Notification(self._to_id(stream), version, topic, state, position)
            for position, stream, version, topic, state in self._fetch(
                _SELECT_NOTIFICATIONS, parameters
            )
        ]

    def max_notification_id(self) -> int | None:
        """The position of the last event, or None where there is none."""
        ((size,),) = self._fetch(_MAX_NOTIFICATION_ID, {})
        return size if size is None else int(size)

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> LogSubscription:
        """Follow the log from behind position `gt`, waiting for what comes."""
        return LogSubscription(self, self.connect, self.channel, gt, topics)

    def connect(self) -> Connection:
        """A connection outside the pool, for whoever keeps one."""
        return psycopg.connect(self._conninfo, autocommit=True)

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()

    def _fetch(self, query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._connection() as connection:
            return connection.execute(query, parameters, prepare=True, binary=True).fetchall()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with library_errors():
            self._pool.open()
            with self._pool.connection() as connection:
                yield connection
