"""What somebody asks of a view: which stretch of time, and how plays are counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.local_time import day_of
from spotify_insights.listening.analytics.period import Period, PeriodName, make_period
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.analytics.timeline import shown_days
from spotify_insights.listening.views.history import ListenerHistory

PLAY_RULE_PREFERENCE: Final = "play_rule"
PRIVATE_SESSIONS_PREFERENCE: Final = "private_sessions"

# More bars than this are too narrow to read.
_MOST_DAYS_BY_DAY: Final = 62

# What `make_period` calls the two is not what they are called where they are asked for.
_FIELDS: Final = {"first_day": "from", "last_day": "to"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The choices that all views share; what is None was left to us.

    `first_day` and `last_day` are asked for as `from` and `to`.
    """

    period: PeriodName | None = None
    day: date | None = None
    first_day: date | None = None
    last_day: date | None = None
    rule: PlayRule | None = None
    private_sessions: bool | None = None


def chosen_period(asked: Asked, *, timezone: str, now: datetime) -> Period:
    """The period that was asked for: the present month if nothing was, days of one's choice if these were.

    Raises:
        InvalidInputError: as `make_period`; the field is `day`, `from` or `to`.
    """
    given = {"from": asked.first_day, "to": asked.last_day}
    is_custom = any(day is not None for day in given.values())
    name = asked.period or (PeriodName.CUSTOM if is_custom else PeriodName.MONTH)
    if name is PeriodName.CUSTOM:
        if asked.day is not None:
            raise InvalidInputError("Days of your own choice lie around no day; leave day out.", field="day")
        for field, day in given.items():
            if day is None:
                raise InvalidInputError(
                    f"Days of your own choice need both from and to; give {field}, too.", field=field
                )
    else:
        for field, day in given.items():
            if day is not None:
                raise InvalidInputError(
                    f'The period "{name}" has days of its own; leave {field} out, or ask for custom.',
                    field=field,
                )
    try:
        return make_period(
            name,
            timezone=timezone,
            now=now,
            day=asked.day,
            first_day=asked.first_day,
            last_day=asked.last_day,
        )
    except InvalidInputError as error:
        raise InvalidInputError(error.message, field=_FIELDS.get(error.field, error.field)) from None


def chosen_counting(asked: Asked, preferences: Mapping[str, Any], *, default_rule: PlayRule) -> Counting:
    """How to count: as asked, else as the listener prefers, else by the installation's rule.

    A preference that makes no sense is none. Private sessions are left out where nobody says otherwise.
    """
    preferred = preferences.get(PLAY_RULE_PREFERENCE)
    rule = asked.rule or (PlayRule(preferred) if preferred in set(PlayRule) else default_rule)
    private = asked.private_sessions
    if private is None:
        private = preferences.get(PRIVATE_SESSIONS_PREFERENCE) is True
    return Counting(rule=rule, private_sessions=private)


def chosen_bucket(asked: Bucket | None, history: ListenerHistory, period: Period) -> Bucket:
    """The bucket that was asked for; else days for up to two months, and months for more."""
    if asked is not None:
        return asked
    first, last = shown_days(history.columns.plays.ended_at, period)
    return Bucket.DAY if last - first < _MOST_DAYS_BY_DAY else Bucket.MONTH


def period_document(history: ListenerHistory, period: Period) -> dict[str, Any]:
    """What an answer says of its period. All time begins on the day of the first play; null without one."""
    first_day: date | None = period.first_day
    if period.name is PeriodName.ALL_TIME:
        ended_at = history.columns.plays.ended_at
        first_day = day_of(shown_days(ended_at, period)[0]) if len(ended_at) else None
    before = period.before
    return {
        "name": period.name,
        "first_day": first_day,
        "last_day": period.last_day,
        "ends_on": period.ends_on,
        "timezone": period.timezone,
        "before": before and {"first_day": before.first_day, "last_day": before.last_day},
    }
