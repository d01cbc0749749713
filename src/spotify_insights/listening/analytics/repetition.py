"""How much is heard again, and how much for the first time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import HistoryColumns, PlayColumns
from spotify_insights.listening.analytics.counted_plays import NONE_BEFORE, CountedPlays
from spotify_insights.listening.analytics.evidence import Missing
from spotify_insights.listening.analytics.local_time import SECONDS_PER_DAY
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import (
    DEFAULT_COUNTING,
    Counting,
    all_counted,
    counted,
)
from spotify_insights.listening.analytics.top import TopOf, group_tracks

WINDOW_DAYS: Final = 7

HISTORY_BEFORE_DAYS: Final = 28
"""With less before the period, everything would look new."""


@dataclass(frozen=True, slots=True)
class Run:
    """Plays of one track in a row."""

    track_id: int
    plays: int


@dataclass(frozen=True, slots=True)
class Repetition:
    """Repetition and discovery in one period; rates are None without plays.

    `repeat_rate = 1 - tracks / plays`. `top_1_share` and `top_5_share` are the parts of the plays that the
    one and the five most played tracks have. `longest_run` is the first of the longest. `reconsumption` is
    the part of the plays whose track had ended before within the `window_days` times 24 hours before them,
    plays before the period included (after Anderson et al. 2014, WWW, doi 10.1145/2566486.2568018).
    `discovery_rate` is the part of the plays that are the very first of their track in the whole history;
    `new_tracks` and `new_artists` were never heard before the period. These three are None, and
    `discovery_missing` says why, where the history begins less than HISTORY_BEFORE_DAYS before the period.
    Even then a history may be incomplete: they are about the plays that we hold.
    """

    plays: int
    tracks: int
    repeat_rate: float | None
    top_1_share: float | None
    top_5_share: float | None
    longest_run: Run | None
    window_days: int
    reconsumption: float | None
    discovery_rate: float | None
    new_tracks: int | None
    new_artists: int | None
    discovery_missing: Missing | None


def repetition(
    history: HistoryColumns,
    period: Period,
    counting: Counting = DEFAULT_COUNTING,
    *,
    window_days: int = WINDOW_DAYS,
) -> Repetition:
    """Repetition and discovery of a period, as `Repetition` defines them."""
    plays = counted(history, period.since, period.until, counting)
    by_track = np.bincount(plays.track, minlength=len(history.tracks))
    tracks, n = int(np.count_nonzero(by_track)), len(plays)
    most = np.sort(np.partition(by_track, -5)[-5:] if len(by_track) > 5 else by_track)[::-1]
    missing = _why_not_discovered(history, period, n)
    new_tracks, new_artists = (None, None) if missing else _discoveries(history, plays, counting, by_track)
    return Repetition(
        plays=n,
        tracks=tracks,
        repeat_rate=1 - tracks / n if n else None,
        top_1_share=int(most[0]) / n if n else None,
        top_5_share=int(most.sum()) / n if n else None,
        longest_run=_longest_run(plays, history.tracks.track_id) if n else None,
        window_days=window_days,
        reconsumption=_reconsumption(history, plays, counting, window_days) if n else None,
        discovery_rate=None if new_tracks is None else new_tracks / n,
        new_tracks=new_tracks,
        new_artists=new_artists,
        discovery_missing=missing,
    )


def _longest_run(plays: PlayColumns, track_id: NDArray[np.int64]) -> Run:
    begins = np.append(0, np.flatnonzero(plays.track[1:] != plays.track[:-1]) + 1)
    lengths = np.diff(begins, append=len(plays))
    longest = int(np.argmax(lengths))
    return Run(track_id=int(track_id[plays.track[begins[longest]]]), plays=int(lengths[longest]))


def _reconsumption(
    history: HistoryColumns, plays: CountedPlays, counting: Counting, window_days: int
) -> float:
    ended_at = all_counted(history, counting).ended_at
    again = plays.ended_at - ended_at[plays.previous] <= window_days * SECONDS_PER_DAY
    again &= plays.previous != NONE_BEFORE
    return int(np.count_nonzero(again)) / len(plays)


def _why_not_discovered(history: HistoryColumns, period: Period, n: int) -> Missing | None:
    if not n:
        return Missing.NO_PLAYS
    begins = int(history.plays.ended_at[0])
    return Missing.SHORT_HISTORY if begins > period.since - HISTORY_BEFORE_DAYS * SECONDS_PER_DAY else None


def _discoveries(
    history: HistoryColumns, plays: CountedPlays, counting: Counting, by_track: NDArray[np.int64]
) -> tuple[int, int]:
    artists = group_tracks(history.tracks, TopOf.ARTISTS)
    earlier = all_counted(history, counting).part(0, plays.place)
    # What is of no group is noted at the end.
    before, now = np.zeros((2, len(artists.ids) + 1), dtype=np.bool_)
    before[artists.group[earlier.track[earlier.firsts()]]] = True
    now[artists.group[by_track > 0]] = True
    new_tracks = int(np.count_nonzero(plays.previous == NONE_BEFORE))
    return new_tracks, int(np.count_nonzero((now & ~before)[:-1]))
