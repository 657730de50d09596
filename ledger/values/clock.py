"""The only place that reads the clock. Everything else is handed an instant."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from time import time
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the ledger's time: aware, UTC, whole seconds."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return real_now()


def real_now() -> datetime:
    """The machine's time: for sessions and invitations, which never follow a demo's clock."""
    return datetime.now(UTC).replace(microsecond=0)


def unix_now() -> float:
    """The machine's time in seconds since 1970."""
    return time()


def minute_of(instant: datetime) -> int:
    """Whole minutes since 1970: the grain in which time follows positions."""
    return int(instant.timestamp()) // 60


def instant_of(minute: int) -> datetime:
    """The first second of a minute counted by `minute_of`."""
    return datetime.fromtimestamp(minute * 60, UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def local_day(instant: datetime, zone: str) -> date:
    """The calendar day of `instant` in the programme's `zone`."""
    return instant.astimezone(_zone(zone)).date()


def start_of_day(day: date, zone: str) -> datetime:
    """The UTC instant at which `day` begins in `zone`."""
    local = datetime(day.year, day.month, day.day, tzinfo=_zone(zone))
    return local.astimezone(UTC)


def end_of_day(last: date, zone: str) -> datetime:
    """The UTC instant at which the inclusive last day is over: the end of a half-open span."""
    return start_of_day(last + timedelta(days=1), zone)
