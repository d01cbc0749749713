from typing import get_args

from spotify_insights.listening.time_range import CalendarRange, TimeRange
from spotify_insights.web.parameters import OnlyRange


def test_snapshots_of_every_range_can_be_read() -> None:
    literal, _none = get_args(OnlyRange.__origin__)

    assert sorted(get_args(literal)) == sorted([*TimeRange, *CalendarRange])
