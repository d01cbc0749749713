"""What periods cover, and what they are compared with."""

from datetime import date

import pytest

from small_histories import utc
from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.analytics.period import Period, PeriodName, make_period

# A Wednesday, 15:00 in Berlin.
NOW = utc("2026-03-18T14:00")


def berlin(name: PeriodName, day: str | None = None, now: str | None = None) -> Period:
    return make_period(
        name,
        timezone="Europe/Berlin",
        now=utc(now) if now else NOW,
        day=date.fromisoformat(day) if day else None,
    )


def spanned(period: Period | None) -> tuple[str, str]:
    assert period is not None
    return period.first_day.isoformat(), period.last_day.isoformat()


@pytest.mark.parametrize(
    ("name", "day", "span", "before"),
    [
        (PeriodName.DAY, "2026-03-01", ("2026-03-01", "2026-03-01"), ("2026-02-28", "2026-02-28")),
        (PeriodName.WEEK, "2026-03-15", ("2026-03-09", "2026-03-15"), ("2026-03-02", "2026-03-08")),
        (PeriodName.MONTH, "2024-03-31", ("2024-03-01", "2024-03-31"), ("2024-02-01", "2024-02-29")),
        (PeriodName.YEAR, "2025-07-01", ("2025-01-01", "2025-12-31"), ("2024-01-01", "2024-12-31")),
        # 28 days with the last one, and the 28 before these.
        (PeriodName.SHORT_TERM, "2026-02-28", ("2026-02-01", "2026-02-28"), ("2026-01-04", "2026-01-31")),
    ],
)
def test_periods_that_are_over(
    name: PeriodName, day: str, span: tuple[str, str], before: tuple[str, str]
) -> None:
    period = berlin(name, day)
    assert period.is_over
    assert spanned(period) == span
    assert spanned(period.before) == before
    assert period.before is not None
    assert period.before.until == period.since


def test_bounds_are_midnights_of_the_listener() -> None:
    # Berlin is one hour ahead in winter and two in summer: March begins and ends differently.
    period = berlin(PeriodName.MONTH, "2025-03-10")
    assert period.since == utc("2025-02-28T23:00").timestamp()
    assert period.until == utc("2025-03-31T22:00").timestamp()


def test_an_unfinished_week_is_compared_with_as_much_of_the_last_one() -> None:
    period = berlin(PeriodName.WEEK)
    assert spanned(period) == ("2026-03-16", "2026-03-18")
    assert not period.is_over
    assert period.ends_on == date(2026, 3, 22)
    assert spanned(period.before) == ("2026-03-09", "2026-03-11")
    assert period.before is not None
    # Until 15:00 on Wednesday, that second itself included.
    assert period.before.until == utc("2026-03-11T14:00").timestamp() + 1


def test_the_same_time_of_day_is_meant_by_the_wall_clock() -> None:
    # On Monday, 30 March 2026, it is summer time, and the Monday before it is not.
    period = berlin(PeriodName.WEEK, now="2026-03-30T13:00")
    assert period.before is not None
    assert period.before.until == utc("2026-03-23T14:00").timestamp() + 1


def test_a_long_month_is_compared_with_the_whole_short_one() -> None:
    period = berlin(PeriodName.MONTH, now="2026-03-30T13:00")
    assert period.days == 30
    assert spanned(period.before) == ("2026-02-01", "2026-02-28")
    assert period.before is not None
    assert period.before.until == utc("2026-02-28T23:00").timestamp()


def test_all_time_has_nothing_before_it() -> None:
    period = berlin(PeriodName.ALL_TIME)
    assert spanned(period) == ("1970-01-01", "2026-03-18")
    assert period.before is None


def test_today_is_the_listeners() -> None:
    # 14:00 UTC is 3:00 of the next day in Auckland and 4:00 of the same one in Honolulu.
    for zone, day in (("Pacific/Auckland", 19), ("Pacific/Honolulu", 18)):
        assert make_period(PeriodName.DAY, timezone=zone, now=NOW).first_day == date(2026, 3, day)


def test_the_letters_week_is_not_this_one() -> None:
    # A Sunday ends the ISO week and begins the letter's.
    assert spanned(berlin(PeriodName.WEEK, "2026-03-15"))[1] == "2026-03-15"


@pytest.mark.parametrize(
    ("name", "day", "first", "last", "field"),
    [
        (PeriodName.CUSTOM, None, "2026-03-02", "2026-03-01", "last_day"),
        (PeriodName.CUSTOM, None, "2026-03-02", None, "last_day"),
        (PeriodName.CUSTOM, None, None, "2026-03-02", "first_day"),
        (PeriodName.CUSTOM, "2026-03-02", None, None, "day"),
        (PeriodName.CUSTOM, None, "2026-03-19", "2026-03-20", "first_day"),
        (PeriodName.WEEK, "2026-03-23", None, None, "day"),
        (PeriodName.WEEK, None, "2026-03-02", None, "first_day"),
        (PeriodName.ALL_TIME, "2026-03-02", None, None, "day"),
        (PeriodName.YEAR, "1969-03-02", None, None, "day"),
        (PeriodName.YEAR, "9999-12-31", None, None, "day"),
    ],
)
def test_what_is_no_period_is_refused(
    name: PeriodName, day: str | None, first: str | None, last: str | None, field: str
) -> None:
    given = [date.fromisoformat(text) if text else None for text in (day, first, last)]
    with pytest.raises(InvalidInputError) as caught:
        make_period(name, timezone="UTC", now=NOW, day=given[0], first_day=given[1], last_day=given[2])
    assert caught.value.field == field


def test_a_period_may_reach_into_the_future_and_ends_today() -> None:
    period = make_period(
        PeriodName.CUSTOM, timezone="UTC", now=NOW, first_day=date(2026, 3, 1), last_day=date(2026, 12, 31)
    )
    assert spanned(period) == ("2026-03-01", "2026-03-18")
    # As many days as have begun: 18 from the first of the 306 days before.
    assert spanned(period.before) == ("2025-04-29", "2025-05-16")
