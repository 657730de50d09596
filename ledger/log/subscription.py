"""Follow the log: woken by NOTIFY, and by itself in case one was lost.

The library's own subscription to PostgreSQL ends with its connection, and stays a step behind
where an event is recorded just before it listens. This one outlives the one and sees the other.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from time import sleep
from typing import Any, Final

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    InterfaceError,
    ListenNotifySubscription,
    OperationalError,
    ShutDown,
)
from psycopg import sql

POLL: Final = 0.25  # seconds from one look at the log to the next, at most

Connection = psycopg.Connection[tuple[Any, ...]]

_log = logging.getLogger(__name__)


class LogSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """An endless iterator of notifications. Use it as a context manager, or stop it."""

    def __init__(
        self,
        recorder: ApplicationRecorder,
        connect: Callable[[], Connection],
        channel: sql.Identifier,
        gt: int | None = None,
        topics: Sequence[str] = (),
    ) -> None:
        """Follow what `recorder` reads from behind position `gt`.

        `connect` makes the connection that listens to `channel`.
        """
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._connect = connect
        self._channel = channel
        self._listening = Thread(target=self._listen, name="log-listener", daemon=True)
        self._listening.start()

    def __exit__(self, *args: object, **kwargs: object) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listening.join()

    def _listen(self) -> None:
        """Wake the thread that pulls; whatever becomes of the connection."""
        while not self._has_been_stopped:
            try:
                with self._connect() as connection:
                    connection.execute(sql.SQL("LISTEN {}").format(self._channel))
                    self._wake(connection)
            except psycopg.Error as e:
                _log.warning("not listening to the log for now: %s", e)
                sleep(POLL)
                self._has_been_notified.set()

    def _wake(self, connection: Connection) -> None:
        while not self._has_been_stopped:
            self._has_been_notified.set()  # first of all: for what came before we listened
            for _ in connection.notifies(timeout=POLL, stop_after=1):
                pass

    def _pull(self) -> None:
        """Hand over all that is there. What can't be read now is read at the next look."""
        self._has_been_notified.clear()
        try:
            with suppress(ShutDown):
                self._pull_to(self._recorder.max_notification_id() or 0)
        except (OperationalError, InterfaceError) as e:
            _log.warning("can't read the log for now: %s", e)

    def _pull_to(self, head: int) -> None:
        """Hand over what is wanted up to `head`.

        All up to there is committed, since positions are in the order of commits. So a look
        begins where the last one ended, also where none of the topics turned up in between.
        """
        while not self._has_been_stopped and (self._last_notification_id or 0) < head:
            page = self._recorder.select_notifications(
                start=self._last_notification_id,
                limit=self._select_limit,
                stop=head,
                topics=self._topics,
                inclusive_of_start=False,
            )
            if page:
                self._notifications_queue.put(page)
            full = len(page) == self._select_limit
            self._last_notification_id = page[-1].id if full else head
