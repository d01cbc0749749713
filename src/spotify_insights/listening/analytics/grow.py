"""A history with more plays in it: what was derived from the one before is kept, and not made again.

A listener's new play comes at the end, and a song that was never heard before has no audio features yet.
These cost little however long the history is. Whatever else changed, what depends on it is let go, and made
again by the view that needs it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.clock import ShownByClock, seconds_of_week
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
from spotify_insights.listening.analytics.top import TopOf, group_keys, grown_groups


def grown(
    before: HistoryColumns, blocks: Sequence[PlayColumns], tracks: TrackColumns, *, kept: int
) -> HistoryColumns:
    """The history of these blocks and tracks, with what stands beside `before` as far as it holds for both.

    Args:
        blocks: plays that follow each other, those after the first `kept`.
        kept: so many plays of `before`, from the oldest on, are the first ones now; all others are younger.
    """
    if tracks is not before.tracks:
        tracks = replace(tracks, held=Held(_held_of_tracks(before.tracks, tracks)))
    more = joined(blocks)
    # A block that was read again mostly begins with what was known of it.
    known = len(before.plays) - kept
    if _begin_with(more, before.plays.where(slice(kept, None))):
        kept, more = kept + known, more.where(slice(known, None))
    old = before.plays.where(slice(0, kept))
    plays = plays_after(old, more)
    if not _begins_with(tracks.duration_ms, before.tracks.duration_ms):
        return HistoryColumns(plays, tracks)
    return HistoryColumns(plays, tracks, Held(_held_of_plays(before, old, more, tracks)))


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
            count = same[name.counting]
            shown = seconds_of_week(made[name.counting].ended_at[count:], name.timezone)
            made[name] = appended(held[:count], shown)
    return made


def _begin_with(plays: PlayColumns, first: PlayColumns) -> bool:
    return (
        _begins_with(plays.ended_at, first.ended_at)
        and _begins_with(plays.track, first.track)
        and _begins_with(plays.ms_played, first.ms_played)
        and _begins_with(plays.flags, first.flags)
    )


def _held_of_tracks(before: TrackColumns, after: TrackColumns) -> dict[Hashable, Any]:
    more = len(after) - len(before)
    same_sound = (
        _begins_with(after.features.view(np.uint32), before.features.view(np.uint32))
        and _begins_with(after.providers, before.providers)
        and bool(np.isnan(after.features[len(before) :]).all())
    )
    made: dict[Hashable, Any] = {}
    for name, held in before.held.items():
        if isinstance(name, TopOf):
            keys = group_keys(after, name)
            if _begins_with(keys, group_keys(before, name)):
                made[name] = grown_groups(held, keys)
        elif not same_sound:
            continue
        elif name == PLACED:
            made[name] = np.append(held, np.zeros(more, dtype=np.bool_))
        elif name is KnownFeatures:
            made[name] = tuple(known.with_unknown(more) for known in held)
        elif name in (PlacedTracks, Library):
            made[name] = held.with_unknown(more)
    return made


def _begins_with(columns: NDArray[Any], first: NDArray[Any]) -> bool:
    return np.array_equal(columns[: len(first)], first)
