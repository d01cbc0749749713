"""Listening sessions: stretches of plays without a long pause."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import HistoryColumns, PlayColumns, TrackColumns
from spotify_insights.listening.analytics.endings import skip_rate_of
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counts, heard

LONGEST_PAUSE_MINUTES: Final = 30
"""There is no consensus; half an hour is the most usual in studies of listening."""

_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """One session. `tracks` is the number of different ones among its plays.

    `began_at` is the start of its first row, or its end where the time played is unknown; `seconds` is
    from there to the end of its last row, pauses included, so it may be a little short, and never invented.
    """

    began_at: datetime
    ended_at: datetime
    seconds: int
    plays: int
    tracks: int
    skip_rate: float | None


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a period; medians and means are None without one.

    `skip_rate` is over the `skip_rate_n` rows in all sessions whose source tells how they ended.
    """

    sessions: int
    longest_pause_minutes: int
    median_seconds: float | None
    mean_plays: float | None
    median_plays: float | None
    skip_rate: float | None
    skip_rate_n: int
    longest: tuple[Session, ...]


def sessions(
    history: HistoryColumns,
    period: Period,
    counting: Counting = DEFAULT_COUNTING,
    *,
    longest_pause_minutes: int = LONGEST_PAUSE_MINUTES,
    limit: int = 10,
) -> Sessions:
    """The period's sessions, and the `limit` longest of them, longest first.

    A session ends where the next row starts more than `longest_pause_minutes` after the last one ended. A
    row starts `ms_played` before it ended. Where that is unknown, it is taken to have lasted as long as its
    track, or no time at all, to find the pauses and for nothing else.

    Every row holds a session together, also one that is too short to be a play; sessions without any play
    are left out. A session that crosses the edge of the period is cut there.
    """
    rows = heard(history, period.since, period.until, counting)
    if not len(rows):
        return _none(longest_pause_minutes)
    first = _first_rows(rows, history.tracks, longest_pause_minutes)
    is_play = counts(rows, history.tracks, counting.rule)
    after = np.append(first[1:], len(rows))
    plays_until = np.cumsum(is_play, dtype=np.int32)[after - 1]
    plays = np.diff(plays_until, prepend=np.int32(0))
    kept = np.flatnonzero(plays)
    if not len(kept):
        return _none(longest_pause_minutes)
    first, after, plays = first[kept], after[kept], plays[kept]
    ended = rows.ended_at[after - 1]
    milliseconds = ended * _MS - _known_starts(rows, first, after)
    skip_rate, skip_rate_n = _skip_rate(rows, first, after)
    return Sessions(
        sessions=len(kept),
        longest_pause_minutes=longest_pause_minutes,
        median_seconds=float(np.median(milliseconds)) / _MS,
        mean_plays=float(plays.mean()),
        median_plays=float(np.median(plays)),
        skip_rate=skip_rate,
        skip_rate_n=skip_rate_n,
        longest=tuple(
            _session(rows, is_play, int(first[index]), int(after[index]), int(milliseconds[index]))
            for index in _longest(milliseconds, limit)
        ),
    )


def _longest(milliseconds: NDArray[np.int64], limit: int) -> list[int]:
    """The places of the longest, longest first; of equally long ones the earlier comes first."""
    candidates = np.arange(len(milliseconds))
    if limit < len(milliseconds):
        # Only what reaches the last place of the list has to be put in order.
        candidates = np.flatnonzero(milliseconds >= np.partition(milliseconds, -limit)[-limit])
    order = np.argsort(-milliseconds[candidates], kind="stable")[:limit]
    places: list[int] = candidates[order].tolist()
    return places


def _none(longest_pause_minutes: int) -> Sessions:
    return Sessions(
        sessions=0,
        longest_pause_minutes=longest_pause_minutes,
        median_seconds=None,
        mean_plays=None,
        median_plays=None,
        skip_rate=None,
        skip_rate_n=0,
        longest=(),
    )


def _first_rows(rows: PlayColumns, tracks: TrackColumns, longest_pause_minutes: int) -> NDArray[np.intp]:
    # Where even the ends are close together, no pause is long: few rows are left to look at.
    apart = rows.ended_at[1:] - rows.ended_at[:-1]
    after = np.flatnonzero(apart > longest_pause_minutes * 60)
    lengths = rows.ms_played[after + 1].astype(np.int64)
    unknown = np.flatnonzero(lengths < 0)
    lengths[unknown] = np.maximum(tracks.duration_ms[rows.track[after[unknown] + 1]], 0)
    pauses = apart[after] * _MS - lengths
    return np.append(0, after[pauses > longest_pause_minutes * 60 * _MS] + 1)


def _known_starts(rows: PlayColumns, first: NDArray[np.intp], after: NDArray[np.intp]) -> NDArray[np.int64]:
    """When each session began, in milliseconds: the earliest start, as rows may overlap."""
    starts = rows.ended_at * _MS
    starts -= np.maximum(rows.ms_played, 0)
    edges = np.column_stack((first, after)).ravel()
    if edges[-1] == len(rows):
        # What begins at the last edge goes on to the end of the rows anyway.
        edges = edges[:-1]
    # Every second stretch lies between two sessions.
    return np.minimum.reduceat(starts, edges)[::2]


def _skip_rate(
    rows: PlayColumns, first: NDArray[np.intp], after: NDArray[np.intp]
) -> tuple[float | None, int]:
    if np.array_equal(first[1:], after[:-1]) and first[0] == 0 and after[-1] == len(rows):
        return skip_rate_of(rows.flags)
    inside = np.zeros(len(rows) + 1, dtype=np.int64)
    inside[first] += 1
    inside[after] -= 1
    return skip_rate_of(rows.flags[np.cumsum(inside[:-1]) > 0])


def _session(
    rows: PlayColumns, is_play: NDArray[np.bool_], first: int, after: int, milliseconds: int
) -> Session:
    ended = int(rows.ended_at[after - 1])
    chosen = is_play[first:after]
    return Session(
        began_at=datetime.fromtimestamp((ended * _MS - milliseconds) // _MS, UTC),
        ended_at=datetime.fromtimestamp(ended, UTC),
        seconds=milliseconds // _MS,
        plays=int(np.count_nonzero(chosen)),
        tracks=len(np.unique(rows.track[first:after][chosen])),
        skip_rate=skip_rate_of(rows.flags[first:after])[0],
    )
