import pytest

from ledger.postgres import Database
from loadtests.following import Look, following, lag_seconds
from tests.builders.history import READY
from tests.projections.appending import Appender


@pytest.mark.parametrize(
    ("looks", "seconds"),
    [
        ([], 0.0),
        ([Look(0, 5, 5), Look(1, 9, 9)], 0.0),
        # Event 6 was first seen at 1, and is still missing at 3.
        ([Look(0, 5, 5), Look(1, 7, 5), Look(2, 9, 5), Look(3, 9, 5), Look(4, 9, 9)], 2.0),
        # At 3 the first missing event is the 8th, which was first seen at 2.
        ([Look(0, 5, 5), Look(1, 7, 5), Look(2, 9, 5), Look(3, 9, 7), Look(4, 9, 9)], 1.0),
        # What was missing at the first look is as old as that look, at least.
        ([Look(0, 9, 5), Look(2, 9, 5)], 2.0),
    ],
)
def test_lag_is_the_age_of_the_first_missing_event(looks: list[Look], seconds: float) -> None:
    assert lag_seconds(looks) == seconds


def test_followers_catch_up_and_are_watched(database: Database) -> None:
    appender = Appender(database)
    appender.append(*READY)

    with following(database) as follower:
        assert follower.catch_up() > 0
        with follower.watched():
            appender.append(*READY[-1:])
            follower.catch_up()

    appender.close()
    assert follower.process.returncode == 0
    assert lag_seconds(follower.looks) < 5
