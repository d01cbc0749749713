"""No plays, one play, plays of no length: every analysis answers, and invents nothing."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from small_histories import Row, Song, a_history, all_time, days, utc
from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.clock import clock
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.compare import compare
from spotify_insights.listening.analytics.feature_profile import feature_profile
from spotify_insights.listening.analytics.mood_timeline import mood_timeline
from spotify_insights.listening.analytics.moods import moods
from spotify_insights.listening.analytics.overview import overview
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.analytics.repetition import repetition
from spotify_insights.listening.analytics.sessions import sessions
from spotify_insights.listening.analytics.streaks import streaks
from spotify_insights.listening.analytics.timeline import timeline
from spotify_insights.listening.analytics.top import TopBy, TopOf, top
from spotify_insights.listening.analytics.trend import trends

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

View = Callable[[HistoryColumns, Period, Counting], "DataclassInstance"]

VIEWS: dict[str, View] = {
    "overview": overview,
    "profile": feature_profile,
    "moods": moods,
    "clock": clock,
    "sessions": sessions,
    "repetition": repetition,
    "streaks": streaks,
    "compare": compare,
    "trends": lambda history, period, counting: trends(
        history, timezone=period.timezone, today=period.today, counting=counting
    ),
}


def timeline_by(bucket: Bucket) -> View:
    return lambda history, period, counting: timeline(history, period, bucket, counting)


def moods_by(bucket: Bucket) -> View:
    return lambda history, period, counting: mood_timeline(history, period, bucket, counting)


def top_of(of: TopOf, by: TopBy) -> View:
    return lambda history, period, counting: top(history, period, of, by, counting)


VIEWS |= {f"timeline {bucket}": timeline_by(bucket) for bucket in Bucket}
VIEWS |= {f"moods {bucket}": moods_by(bucket) for bucket in Bucket}
VIEWS |= {f"top {of} {by}": top_of(of, by) for of in TopOf for by in TopBy}

ONE = Row(utc("2026-02-27T10:00"))
HISTORIES = {
    "nobody": a_history([], []),
    "tracks without plays": a_history([], [Song()] * 3),
    "one play": a_history([ONE]),
    "one play of unknown length": a_history([Row(ONE.at, ms=None)], [Song(None, None, None)]),
    "rows of no length": a_history(
        [Row(ONE.at, ms=0)] * 12, [Song(features={"valence": 0.5, "energy": 0.5})]
    ),
    "one private play": a_history([Row(ONE.at, private=True)]),
}
PERIODS = [all_time("Pacific/Auckland"), days("2026-02-27", "2026-02-27"), days("2026-01-01", "2026-02-01")]


def as_json(value: Any) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value)} is no plain value")


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_view_answers_in_plain_values(view: View, history: HistoryColumns) -> None:
    for period in PERIODS:
        for rule in PlayRule:
            answer = asdict(view(history, period, Counting(rule)))
            json.dumps(answer, default=as_json, allow_nan=False)


def test_nothing_is_made_of_nothing() -> None:
    empty = HISTORIES["nobody"]
    assert overview(empty, all_time()).figures.share_of_days is None
    assert timeline(empty, all_time(), Bucket.DAY).starts == ()
    assert timeline(empty, days("2026-01-01", "2026-01-03"), Bucket.DAY).plays == (0, 0, 0)
    assert moods(empty, all_time()).shares is None
    assert sessions(empty, all_time()).median_seconds is None
    assert streaks(empty, all_time()).current is None
    assert clock(empty, all_time()).mean_hour is None


def test_one_play_is_one_play() -> None:
    one = HISTORIES["one play"]
    assert overview(one, all_time()).figures.plays == 1
    # 10:00 UTC on the 27th is 23:00 there, on a Friday; today is 2 March.
    assert timeline(one, PERIODS[0], Bucket.DAY).plays == (1, 0, 0, 0)
    assert clock(one, PERIODS[0]).plays[4][23] == 1
    assert sessions(one, all_time()).sessions == 1
    assert repetition(one, all_time()).repeat_rate == 0
