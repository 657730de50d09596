"""The ledger as an `eventsourcing` application: to read, to replay, to follow, for tools.

Commands are decided by the writer; this one knows no rules. What it gives are the library's own
parts on our log: notification log, event store, repository, subscriptions.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Self, cast

from eventsourcing.application import Application
from eventsourcing.projection import ApplicationSubscription

from ledger.facts import Event
from ledger.log.factory import LogFactory
from ledger.log.mapper import LedgerEvent
from ledger.values.ids import StreamId


class Ledger(Application[str]):
    """Use it as a context manager. `LOG_CONNINFO` and `LOG_CHANNEL` say where the log is."""

    name = "ledger"
    env: ClassVar[dict[str, str]] = {
        "PERSISTENCE_MODULE": "ledger.log.factory",
        "MAPPER_TOPIC": "ledger.log.mapper:FactMapper",
    }
    log_section_size = 1_000  # events at most that the notification log gives at once

    @classmethod
    def on(cls, conninfo: str, channel: str) -> Self:
        """The ledger whose log is found with this connection string."""
        return cls({LogFactory.LOG_CONNINFO: conninfo, LogFactory.LOG_CHANNEL: channel})

    def history(self, stream: StreamId) -> list[Event]:
        """The events of one stream, in the order of their versions."""
        return [cast("LedgerEvent", each).event for each in self.events.get(stream)]

    def read(
        self, after: int = 0, until: int | None = None, topics: Sequence[str] = ()
    ) -> Iterator[LedgerEvent]:
        """The events behind position `after`, in order, up to `until` or what is there now."""
        page = self.log_section_size
        last = self.position if until is None else min(until, self.position)
        while after < last:
            found = self.notification_log.select(
                after, page, last, topics, inclusive_of_start=False
            )
            yield from (cast("LedgerEvent", self.mapper.to_domain_event(each)) for each in found)
            after = found[-1].id if len(found) == page else last

    def follow(self, after: int, topics: Sequence[str] = ()) -> ApplicationSubscription[str]:
        """What `read` gives, and then what comes. Use it as a context manager."""
        return ApplicationSubscription(self, gt=after, topics=topics)

    @property
    def position(self) -> int:
        """Of the last event; 0 where there is none."""
        return self.recorder.max_notification_id() or 0
