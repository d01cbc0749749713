"""Each view of a history as the document that answers it. Pure; names are filled in afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import numpy as np

from spotify_insights.listening.analytics.buckets import Bucket
from spotify_insights.listening.analytics.clock import clock
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.compare import RankedArtist, RankMove, compare
from spotify_insights.listening.analytics.evidence import Coverage, Missing
from spotify_insights.listening.analytics.feature_profile import plane_coverage
from spotify_insights.listening.analytics.listened_weights import weigh_tracks
from spotify_insights.listening.analytics.local_time import day_begins, day_number
from spotify_insights.listening.analytics.mood_timeline import MoodTimeline, mood_timeline
from spotify_insights.listening.analytics.moods import moods
from spotify_insights.listening.analytics.overview import PlayMoment, overview
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import Counting, counted
from spotify_insights.listening.analytics.repetition import repetition
from spotify_insights.listening.analytics.sessions import sessions
from spotify_insights.listening.analytics.timeline import timeline
from spotify_insights.listening.analytics.top import TopBy, TopItem, TopOf, top
from spotify_insights.listening.analytics.trend import BASELINE_DAYS, RECENT_DAYS, trends
from spotify_insights.listening.views.asked import chosen_bucket
from spotify_insights.listening.views.history import ListenerHistory
from spotify_insights.listening.views.names import Names, tracks_on

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Computed:
    """A view but for its names: which it needs, and the document that it is with them."""

    document: Callable[[Names], Document]
    tracks: frozenset[int] = frozenset()
    artists: frozenset[int] = frozenset()


# Ten years have thousands of days: these are made and written faster than dictionaries, and no collector of
# garbage looks at them.
class PlaysOfBucket(msgspec.Struct, gc=False, frozen=True):
    """Plays and time of one bucket of a `Timeline`."""

    start: date
    plays: int
    ms: int


class MoodsOfBucket(msgspec.Struct, gc=False, frozen=True):
    """One bucket of a `MoodTimeline`."""

    start: date
    upbeat: float | None
    intense: float | None
    wistful: float | None
    calm: float | None
    neutral: float | None
    coverage: float
    tracks: int
    tracks_with_features: int
    missing: Missing | None


View = Callable[[ListenerHistory, Period, Counting], Computed]


def overview_view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
    """Numbers, first and last play, streaks and the profile of audio features."""
    seen = overview(history.columns, period, counting)
    moments = (seen.first_play, seen.last_play)

    def document(names: Names) -> Document:
        first, last = (_moment(moment, names) for moment in moments)
        return {
            "figures": seen.figures,
            "first_play": first,
            "last_play": last,
            "streaks": seen.streaks,
            "profile": seen.profile,
        }

    return Computed(document, tracks=frozenset(moment.track_id for moment in moments if moment is not None))


def _moment(moment: PlayMoment | None, names: Names) -> Document | None:
    if moment is None:
        return None
    return {"ended_at": moment.ended_at, "track": names.track(moment.track_id)}


def top_view(of: TopOf, by: TopBy, limit: int) -> View:
    """The most heard tracks, artists or albums."""

    def view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
        seen = top(history.columns, period, of, by, counting, limit=limit)
        ids = [item.id for item in seen.items]
        # What each item is named by: itself, or for an album a track on it.
        named_by = tracks_on(ids, history.columns.tracks) if of is TopOf.ALBUMS else {}

        def named(names: Names, number: int) -> Document:
            match of:
                case TopOf.TRACKS:
                    return names.track(number)
                case TopOf.ARTISTS:
                    return names.artist(number)
                case TopOf.ALBUMS:
                    return names.album_of(named_by[number])

        def document(names: Names) -> Document:
            return {
                "of": of,
                "by": by,
                "items": [_item(item, named(names, item.id)) for item in seen.items],
                "distinct": seen.distinct,
                "plays": seen.plays,
                "ms": seen.ms,
            }

        if of is TopOf.ARTISTS:
            return Computed(document, artists=frozenset(ids))
        return Computed(document, tracks=frozenset(named_by.values() if of is TopOf.ALBUMS else ids))

    return view


def _item(item: TopItem, named: Document) -> Document:
    return {
        "rank": item.rank,
        **named,
        "plays": item.plays,
        "ms": item.ms,
        "share": item.share,
        "first_play_at": item.first_play_at,
        "last_play_at": item.last_play_at,
        "previous_rank": item.previous_rank,
    }


def clock_view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
    """Plays by weekday and hour, and how the music differs between the parts of the day."""
    seen = clock(history.columns, period, counting)
    return Computed(lambda _: _fields(seen))


def timeline_view(bucket: Bucket | None) -> View:
    """Plays and time for each day, week, month or year."""

    def view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
        chosen = chosen_bucket(bucket, history, period)
        seen = timeline(history.columns, period, chosen, counting)
        buckets = list(map(PlaysOfBucket, seen.starts, seen.plays, seen.ms))
        return Computed(
            lambda _: {"bucket": chosen, "buckets": buckets, "plays_without_ms": seen.plays_without_ms}
        )

    return view


def moods_view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
    """Moods of the whole period."""
    seen = moods(history.columns, period, counting)
    return Computed(lambda _: _fields(seen))


def mood_timeline_view(bucket: Bucket | None) -> View:
    """Moods of each day, week, month or year."""

    def view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
        chosen = chosen_bucket(bucket, history, period)
        buckets = _mood_buckets(mood_timeline(history.columns, period, chosen, counting))
        return Computed(lambda _: {"bucket": chosen, "buckets": buckets})

    return view


def _mood_buckets(seen: MoodTimeline) -> list[MoodsOfBucket]:
    moods = (seen.upbeat, seen.intense, seen.wistful, seen.calm, seen.neutral)
    evidence = (seen.coverage, seen.tracks, seen.tracks_with_features, seen.missing)
    return list(map(MoodsOfBucket, seen.starts, *moods, *evidence))


def sessions_view(longest_pause_minutes: int, limit: int) -> View:
    """Stretches of listening without a long pause, and the longest of them."""

    def view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
        seen = sessions(
            history.columns, period, counting, longest_pause_minutes=longest_pause_minutes, limit=limit
        )
        return Computed(lambda _: _fields(seen))

    return view


def repetition_view(window_days: int) -> View:
    """How much was heard again, and how much for the first time."""

    def view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
        seen = repetition(history.columns, period, counting, window_days=window_days)
        run = seen.longest_run

        def document(names: Names) -> Document:
            longest = run and {"track": names.track(run.track_id), "plays": run.plays}
            return {**_fields(seen), "longest_run": longest}

        return Computed(document, tracks=frozenset() if run is None else frozenset({run.track_id}))

    return view


def compare_view(limit: int) -> View:
    """The period against the one before it."""

    def view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
        seen = compare(history.columns, period, counting, limit=limit)
        lists: dict[str, tuple[RankMove | RankedArtist, ...]] = {
            "moved": seen.moved,
            "new": seen.new,
            "dropped": seen.dropped,
        }

        def document(names: Names) -> Document:
            return {
                **_fields(seen),
                **{
                    name: [{**_fields(each), "artist": names.artist(each.artist)} for each in listed]
                    for name, listed in lists.items()
                },
            }

        artists = frozenset(each.artist for listed in lists.values() for each in listed)
        return Computed(document, artists=artists)

    return view


def trends_view(history: ListenerHistory, period: Period, counting: Counting) -> Computed:
    """The seven days up to yesterday against the four weeks before them; of the period only today counts."""
    today, timezone = period.today, period.timezone
    seen = trends(history.columns, timezone=timezone, today=today, counting=counting)
    days = np.array([-RECENT_DAYS - BASELINE_DAYS, -RECENT_DAYS, 0], np.int64) + day_number(today)
    first, middle, end = day_begins(days, timezone).tolist()
    coverage, coverage_before = (
        _coverage(history.columns, since, until, counting)
        for since, until in ((middle, end), (first, middle))
    )
    return Computed(
        lambda _: {
            **_fields(seen),
            "recent_days": RECENT_DAYS,
            "baseline_days": BASELINE_DAYS,
            "coverage": coverage,
            "coverage_before": coverage_before,
        }
    )


def _coverage(columns: HistoryColumns, since: int, until: int, counting: Counting) -> Coverage:
    weighed = weigh_tracks(counted(columns, since, until, counting), columns.tracks)
    return plane_coverage(weighed, columns.tracks)


def _fields(value: Any) -> Document:
    """The fields of one of the analytics' frozen values; what is inside of them stays as it is."""
    fields: Mapping[str, Any] = value.__dataclass_fields__
    return {name: getattr(value, name) for name in fields}
