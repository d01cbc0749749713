from typing import get_args

from spotify_insights.listening.time_range import CalendarRange, TimeRange
from spotify_insights.web.parameters import OnlyRange


def test_snapshots_of_every_range_can_be_read() -> None:
    choices, _description = get_args(OnlyRange)
    known = [value for choice in get_args(choices) for value in get_args(choice)]

    assert sorted(known) == sorted([*TimeRange, *CalendarRange])
