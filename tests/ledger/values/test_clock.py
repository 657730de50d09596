from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.values.clock import (
    SystemClock,
    end_of_day,
    instant_of,
    local_day,
    minute_of,
    start_of_day,
    unix_now,
)

PARIS, REUNION, MARTINIQUE = "Europe/Paris", "Indian/Reunion", "America/Martinique"

instants = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants them naive
zones = st.sampled_from([PARIS, REUNION, MARTINIQUE, "Pacific/Noumea", "America/Miquelon"])


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        (PARIS, datetime(2023, 1, 31, 23, tzinfo=UTC)),
        (REUNION, datetime(2023, 1, 31, 20, tzinfo=UTC)),  # it is three in the morning there
        (MARTINIQUE, datetime(2023, 2, 1, 4, tzinfo=UTC)),  # it is seven in the evening there
    ],
)
def test_a_day_ends_when_it_is_midnight_in_its_zone(zone: str, midnight: datetime) -> None:
    """E01: not at midnight UTC, and overseas not at midnight in Paris."""
    assert end_of_day(date(2023, 1, 31), zone) == midnight


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2023, 1, 31, 22, 59, 59, tzinfo=UTC), date(2023, 1, 31)),
        (datetime(2023, 1, 31, 23, 0, 0, tzinfo=UTC), date(2023, 2, 1)),
        (datetime(2022, 7, 31, 21, 59, 59, tzinfo=UTC), date(2022, 7, 31)),  # summer time
        (datetime(2022, 7, 31, 22, 0, 0, tzinfo=UTC), date(2022, 8, 1)),
    ],
)
def test_a_day_is_the_zones_own(instant: datetime, day: date) -> None:
    assert local_day(instant, PARIS) == day


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2022, 3, 27), 23),  # the clocks go forward
        (date(2022, 10, 30), 25),  # and back
        (date(2024, 2, 29), 24),
    ],
)
def test_a_day_has_the_hours_that_the_clocks_give_it(day: date, hours: int) -> None:
    """E39."""
    assert end_of_day(day, PARIS) - start_of_day(day, PARIS) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Havana", date(2022, 3, 13)),  # its midnight does not exist
        ("America/Havana", date(2022, 11, 6)),  # its midnight comes twice
    ],
)
def test_a_day_begins_where_the_one_before_ends(zone: str, day: date) -> None:
    begins = start_of_day(day, zone)

    assert local_day(begins, zone) == day
    assert local_day(begins - timedelta(seconds=1), zone) == day - timedelta(days=1)


@pytest.mark.parametrize(("millesime", "days"), [(2022, 396), (2023, 396), (2024, 397)])
def test_a_millesime_lasts_thirteen_months(millesime: int, days: int) -> None:
    """R31: a leap year has a day more. Days of the calendar, whatever the clocks do."""
    begins = start_of_day(date(millesime, 1, 1), PARIS)
    ends = end_of_day(date(millesime + 1, 1, 31), PARIS)

    assert ends - begins == timedelta(days=days)


@given(instant=instants, zone=zones)
def test_an_instant_is_within_its_day(instant: datetime, zone: str) -> None:
    day = local_day(instant, zone)

    assert start_of_day(day, zone) <= instant < end_of_day(day, zone)


@given(instant=instants, zone=zones)
def test_the_same_instant_is_the_same_day_however_it_is_written(
    instant: datetime, zone: str
) -> None:
    assert local_day(instant.astimezone(ZoneInfo(REUNION)), zone) == local_day(instant, zone)


@given(instants)
def test_a_minute_holds_its_instants(instant: datetime) -> None:
    minute = minute_of(instant)

    assert instant_of(minute) <= instant < instant_of(minute + 1)
    assert minute_of(instant_of(minute)) == minute


def test_the_clock_tells_aware_whole_seconds() -> None:
    now = SystemClock().now()

    assert now.tzinfo is UTC
    assert now.microsecond == 0
    assert abs(now.timestamp() - unix_now()) < 60
