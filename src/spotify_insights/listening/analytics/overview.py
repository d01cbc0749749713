"""One period at a glance."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import HistoryColumns, PlayColumns
from spotify_insights.listening.analytics.counted_plays import CountedPlays
from spotify_insights.listening.analytics.endings import completion_rate_of, skip_rate_of, skips_in
from spotify_insights.listening.analytics.feature_profile import FeatureProfile, profile_of
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, heard_and_counted
from spotify_insights.listening.analytics.streaks import Streaks, streaks_of
from spotify_insights.listening.analytics.timeline import plays_of_days
from spotify_insights.listening.analytics.top import Groups, TopOf, group_tracks


@dataclass(frozen=True, slots=True)
class PlayMoment:
    """One play: the number of its track in the database, and when it ended."""

    track_id: int
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one period. What has no evidence is None.

    `rows` were heard; `plays` of them count under the rule, `too_short` do not. `ms_listened` is the time
    heard in the `plays_with_ms` plays that tell it. Artists are first credits; unnamed ones count as none.
    `days` are those of the period that have begun (for all time: since the first play), but for those that
    the zone left out; `active_days` have a play, `share_of_days` is their part. `ms_per_active_day` is None
    where a play does not tell its time.
    `skips` are the rows that the source calls skipped, plays or not; `skip_rate` is over the `skip_rate_n`
    rows, `completion_rate` over the `completion_rate_n` plays, for which it is known (`endings.py`).
    """

    rows: int
    plays: int
    too_short: int
    skips: int
    ms_listened: int
    plays_with_ms: int
    tracks: int
    artists: int
    albums: int
    days: int
    active_days: int
    share_of_days: float | None
    plays_per_active_day: float | None
    ms_per_active_day: float | None
    skip_rate: float | None
    skip_rate_n: int
    completion_rate: float | None
    completion_rate_n: int


@dataclass(frozen=True, slots=True)
class Overview:
    figures: Figures
    first_play: PlayMoment | None
    last_play: PlayMoment | None
    streaks: Streaks
    profile: FeatureProfile


def overview(history: HistoryColumns, period: Period, counting: Counting = DEFAULT_COUNTING) -> Overview:
    """Numbers, first and last play, streaks and feature profile of one period."""
    flags, plays = heard_and_counted(history, period.since, period.until, counting)
    days, by_day = plays_of_days(history, plays, period, counting)
    return Overview(
        figures=figures_of(history, flags, plays, by_day),
        first_play=_moment(history, plays, 0),
        last_play=_moment(history, plays, -1),
        streaks=streaks_of(history, period, counting, days, by_day),
        profile=profile_of(plays, history.tracks),
    )


def period_figures(
    history: HistoryColumns,
    period: Period,
    counting: Counting = DEFAULT_COUNTING,
    *,
    artists: int | None = None,
) -> Figures:
    """The numbers alone; `artists` where they were counted already."""
    flags, plays = heard_and_counted(history, period.since, period.until, counting)
    by_day = plays_of_days(history, plays, period, counting)[1]
    return figures_of(history, flags, plays, by_day, artists=artists)


def figures_of(
    history: HistoryColumns,
    flags: NDArray[np.uint8],
    plays: CountedPlays,
    by_day: NDArray[np.int64],
    *,
    artists: int | None = None,
) -> Figures:
    """The numbers of the rows with these flags and the plays among them; `by_day` has the days' plays."""
    known = plays.ms_played >= 0
    ms = int(np.maximum(plays.ms_played, 0).sum(dtype=np.int64))
    with_ms, days, active_days = int(np.count_nonzero(known)), len(by_day), int(np.count_nonzero(by_day))
    heard = plays.track[plays.firsts()]
    if artists is None:
        artists = _distinct(heard, group_tracks(history.tracks, TopOf.ARTISTS))
    skip_rate, skip_rate_n = skip_rate_of(flags)
    completion_rate, completion_rate_n = completion_rate_of(plays, history.tracks)
    return Figures(
        rows=len(flags),
        plays=len(plays),
        too_short=len(flags) - len(plays),
        skips=skips_in(flags),
        ms_listened=ms,
        plays_with_ms=with_ms,
        tracks=len(heard),
        artists=artists,
        albums=_distinct(heard, group_tracks(history.tracks, TopOf.ALBUMS)),
        days=days,
        active_days=active_days,
        share_of_days=active_days / days if days else None,
        plays_per_active_day=len(plays) / active_days if active_days else None,
        ms_per_active_day=ms / active_days if active_days and with_ms == len(plays) else None,
        skip_rate=skip_rate,
        skip_rate_n=skip_rate_n,
        completion_rate=completion_rate,
        completion_rate_n=completion_rate_n,
    )


def _distinct(tracks: NDArray[np.int32], groups: Groups) -> int:
    found = np.zeros(len(groups.ids) + 1, dtype=np.bool_)
    # What is of no group is noted at the end.
    found[groups.group[tracks]] = True
    return int(np.count_nonzero(found[:-1]))


def _moment(history: HistoryColumns, plays: PlayColumns, index: int) -> PlayMoment | None:
    if not len(plays):
        return None
    return PlayMoment(
        track_id=int(history.tracks.track_id[plays.track[index]]),
        ended_at=datetime.fromtimestamp(int(plays.ended_at[index]), UTC),
    )
