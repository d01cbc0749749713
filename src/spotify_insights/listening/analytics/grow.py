"""A history with more plays in it: what was derived from the one before is kept, and not made again.

A listener's new play comes at the end, and a song that was never heard before has no audio features yet.
These cost little however long the history is. Whatever else changed, what depends on it is let go, and made
again by the view that needs it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import (
    PRIVATE_SESSION,
    HistoryColumns,
    PlayColumns,
    TrackColumns,
    joined,
    plays_after,
)
from spotify_insights.listening.analytics.counted_plays import count_plays
from spotify_insights.listening.analytics.held import Held
from spotify_insights.listening.analytics.known_features import PLACED, KnownFeatures
from spotify_insights.listening.analytics.mood_plane import PlacedTracks
from spotify_insights.listening.analytics.moods import Library
from spotify_insights.listening.analytics.play_rule import NOT_PRIVATE, Counting, are_chosen, not_private
from spotify_insights.listening.analytics.room import appended
from spotify_insights.listening.analytics.timeline import DaysOfPlays
from spotify_insights.listening.analytics.top import TopOf, group_keys, grown_groups
from spotify_insights.listening.analytics.wall_clock import ShownByClock

_TRACK_COLUMNS: Final = ("track_id", "artist", "album", "duration_ms", "features", "providers")
_GROUPED_BY: Final = {TopOf.TRACKS: "track_id", TopOf.ARTISTS: "artist", TopOf.ALBUMS: "album"}


def grown(
    before: HistoryColumns,
    plays: Sequence[PlayColumns],
    tracks: Sequence[TrackColumns],
    *,
    kept_plays: int,
    kept_tracks: int,
) -> HistoryColumns:
    """The history of these plays and tracks, with what stands beside `before` as far as it holds for both.

    Nothing is compared of what is said to be the same. Not for two threads at once with the same `before`.

    Args:
        plays: in pieces that follow each other, those after the first `kept_plays`.
        tracks: in pieces, those after the first `kept_tracks`.
        kept_plays: so many plays of `before`, from the oldest on, are the first ones now; all others are
            younger.
        kept_tracks: so many tracks of `before` are the first ones now.
    """
    tracks_now, same_lengths = _tracks_of(before.tracks, tracks, kept_tracks)
    more = joined(plays)
    # A block that was read again mostly begins with what was known of it.
    known = len(before.plays) - kept_plays
    if known and _begin_with(more, before.plays.where(slice(kept_plays, None))):
        kept_plays, more = kept_plays + known, more.where(slice(known, None))
    old = before.plays.where(slice(0, kept_plays))
    same_plays = len(old) == len(before.plays) and not len(more)
    plays_now = before.plays if same_plays else plays_after(old, more)
    if same_plays and same_lengths and len(tracks_now) == len(before.tracks):
        return HistoryColumns(plays_now, tracks_now, Held(dict(before.held.items())))
    if not same_lengths:
        return HistoryColumns(plays_now, tracks_now)
    return HistoryColumns(plays_now, tracks_now, Held(_held_of_plays(before, old, more, tracks_now)))


def _tracks_of(before: TrackColumns, more: Sequence[TrackColumns], kept: int) -> tuple[TrackColumns, bool]:
    """The first `kept` tracks and those behind them; whether all that were there are as long as they were."""
    if kept == len(before) and not any(map(len, more)):
        return before, True
    columns: dict[str, Any] = {}
    same: dict[str, bool] = {}
    for name in _TRACK_COLUMNS:
        column: NDArray[Any] = getattr(before, name)
        pieces = [getattr(each, name) for each in more]
        rest = column[kept:]
        joined_pieces = np.concatenate([column[:0], *pieces]) if len(rest) else None
        same[name] = joined_pieces is None or _begins_with(joined_pieces, rest)
        if joined_pieces is not None and same[name]:
            columns[name] = appended(column, joined_pieces[len(rest) :])
        else:
            columns[name] = appended(column[:kept], *pieces)
    after = TrackColumns(**columns)
    return replace(after, held=Held(_held_of_tracks(before, after, same))), same["duration_ms"]


def _held_of_plays(
    before: HistoryColumns, old: PlayColumns, more: PlayColumns, tracks: TrackColumns
) -> dict[Hashable, Any]:
    made: dict[Hashable, Any] = {}
    goes_on = len(old) == len(before.plays)
    same: dict[Counting, int] = {}
    for name, held in before.held.items():
        if name == NOT_PRIVATE:
            count = len(held) if goes_on else int(np.count_nonzero((old.flags & PRIVATE_SESSION) == 0))
            made[name] = plays_after(held.where(slice(0, count)), not_private(more))
        elif isinstance(name, Counting):
            same[name] = len(held) if goes_on else int(np.count_nonzero(are_chosen(old, before.tracks, name)))
            chosen = more.where(np.flatnonzero(are_chosen(more, tracks, name)))
            made[name] = count_plays(chosen, tracks, after=held.part(0, same[name]))
    for name, held in before.held.items():
        if isinstance(name, ShownByClock) and name.counting in made:
            kept, plays = same[name.counting], made[name.counting]
            made[name] = held.grown(kept, plays, tracks, name.timezone)
        elif isinstance(name, DaysOfPlays) and name.counting in made:
            made[name] = held.grown(same[name.counting], made[name.counting].ended_at, name.timezone)
    return made


def _begin_with(plays: PlayColumns, first: PlayColumns) -> bool:
    return (
        _begins_with(plays.ended_at, first.ended_at)
        and _begins_with(plays.track, first.track)
        and _begins_with(plays.ms_played, first.ms_played)
        and _begins_with(plays.flags, first.flags)
    )


def _held_of_tracks(
    before: TrackColumns, after: TrackColumns, same: Mapping[str, bool]
) -> dict[Hashable, Any]:
    """What stands beside `before`, for those that begin with the same values of the columns named so."""
    more = len(after) - len(before)
    same_sound = (
        same["features"] and same["providers"] and bool(np.isnan(after.features[len(before) :]).all())
    )
    made: dict[Hashable, Any] = {}
    for name, held in before.held.items():
        if isinstance(name, TopOf):
            if same[_GROUPED_BY[name]]:
                made[name] = grown_groups(held, group_keys(after, name))
        elif not same_sound:
            continue
        elif name == PLACED:
            made[name] = np.append(held, np.zeros(more, dtype=np.bool_))
        elif name is KnownFeatures:
            made[name] = tuple(known.with_unknown(more) for known in held)
        elif name in (PlacedTracks, Library):
            made[name] = held.with_unknown(more)
    return made


def _begins_with(column: NDArray[Any], first: NDArray[Any]) -> bool:
    # By their bytes: what is unknown among features is equal to nothing, not to itself either.
    return len(column) >= len(first) and column[: len(first)].tobytes() == first.tobytes()
