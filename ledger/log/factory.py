"""`PERSISTENCE_MODULE=ledger.log.factory`: the log as an `eventsourcing` application's store.

    LOG_CONNINFO        how to connect: the writer's string, or the projector's to read only
    LOG_CHANNEL         where appends are announced
    ORIGINATOR_ID_TYPE  `text` (the default here) or `uuid`: what stream names are read back as

As with all of the library's settings, a name before them (`LEDGER_LOG_CHANNEL`) makes them an
application's or a projection's own.
"""

from typing import Final, cast

from eventsourcing.persistence import (
    AggregateRecorder,
    InfrastructureFactory,
    NotSupportedError,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.popo import POPOAggregateRecorder, POPOTrackingRecorder
from eventsourcing.utils import Environment, EnvType, resolve_topic

from ledger.log.recorder import IdType, LogRecorder


class LogFactory(InfrastructureFactory[TrackingRecorder]):
    """Makes recorders on one log, and closes them."""

    LOG_CONNINFO: Final = "LOG_CONNINFO"
    LOG_CHANNEL: Final = "LOG_CHANNEL"
    ORIGINATOR_ID_TYPE: Final = "ORIGINATOR_ID_TYPE"

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self._recorders: list[LogRecorder] = []

    def application_recorder(self) -> LogRecorder:
        """The log.

        Raises:
            OSError: the environment doesn't say where it is, or asks for ids of another type.
        """
        id_type = self.env.get(self.ORIGINATOR_ID_TYPE, "text").lower()
        if id_type not in ("text", "uuid"):
            raise OSError(f"{self.ORIGINATOR_ID_TYPE} is {id_type!r}, neither text nor uuid")
        recorder = LogRecorder(
            self._required(self.LOG_CONNINFO),
            self._required(self.LOG_CHANNEL),
            cast("IdType", id_type),
        )
        self._recorders.append(recorder)
        return recorder

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Snapshots. They can be taken again, so they live as long as the process."""
        return POPOAggregateRecorder()

    def tracking_recorder(
        self, tracking_recorder_class: type[TrackingRecorder] | None = None
    ) -> TrackingRecorder:
        """A projection's view in memory: the given class, which takes no arguments.

        A view in PostgreSQL has a persistence module and a schema of its own; set them under the
        projection's name.
        """
        if tracking_recorder_class is None:
            topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
            tracking_recorder_class = resolve_topic(topic) if topic else POPOTrackingRecorder
        return tracking_recorder_class()

    def process_recorder(self) -> ProcessRecorder:
        """Refused: nothing but events is written in a transaction that appends.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError("read models track their position beside themselves")

    def close(self) -> None:
        while self._recorders:
            self._recorders.pop().close()

    def _required(self, key: str) -> str:
        value = self.env.get(key)
        if value is None:
            raise OSError(f"{key} is not set: the log's factory has to be told where the log is")
        return value
