"""What was heard most: tracks, artists and albums, by plays or by time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.analytics.columns import UNKNOWN, HistoryColumns, PlayColumns, TrackColumns
from spotify_insights.listening.analytics.counted_plays import CountedPlays
from spotify_insights.listening.analytics.period import Period
from spotify_insights.listening.analytics.play_rule import DEFAULT_COUNTING, Counting, counted

LONGEST_LIST: Final = 500


class TopOf(StrEnum):
    TRACKS = "tracks"
    ARTISTS = "artists"
    ALBUMS = "albums"


class TopBy(StrEnum):
    PLAYS = "plays"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class TopItem:
    """A track, artist or album with its place among all that were heard.

    `id` is its number in the database. `share` is its part of all plays, or of all time heard, that of
    unnamed artists and albums included; None where no time is known. `ms` is from plays that tell it.
    `previous_rank` is None where it was not heard in the period before, or there is none.
    """

    rank: int
    id: int
    plays: int
    ms: int
    share: float | None
    first_play_at: datetime
    last_play_at: datetime
    previous_rank: int | None


@dataclass(frozen=True, slots=True)
class Top:
    """The first items of `distinct` in all. `plays` and `ms` are of the whole period."""

    of: TopOf
    by: TopBy
    items: tuple[TopItem, ...]
    distinct: int
    plays: int
    ms: int


@dataclass(frozen=True, slots=True)
class Groups:
    """Tracks put together: `ids` ascending; `group` gives each row of `TrackColumns` its place there.

    `first` is the first row of each group.
    """

    ids: NDArray[np.int64]
    group: NDArray[np.int64]
    first: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Totals:
    """Plays and milliseconds of each group."""

    plays: NDArray[np.int64]
    ms: NDArray[np.int64]


def top(
    history: HistoryColumns,
    period: Period,
    of: TopOf,
    by: TopBy,
    counting: Counting = DEFAULT_COUNTING,
    *,
    limit: int = 50,
) -> Top:
    """The `limit` most heard, each with a rank of its own.

    Ranked by plays, then time, or by time, then plays; of what is equal in both, the lower id comes first.
    A play belongs to the first credited artist of its track. Plays without an artist or album are in no row.

    Raises:
        InvalidInputError: `limit` is not from 1 to LONGEST_LIST.
    """
    if not 1 <= limit <= LONGEST_LIST:
        raise InvalidInputError(
            f"A list has 1 to {LONGEST_LIST} rows; {limit} is not possible.", field="limit"
        )
    plays = counted(history, period.since, period.until, counting)
    groups = group_tracks(history.tracks, of)
    totals = total_by_group(plays, history.tracks, groups)
    chosen = ranked(totals, by, limit=limit)
    previous = np.zeros(len(groups.ids), dtype=np.int64)
    if period.before is not None:
        before = counted(history, period.before.since, period.before.until, counting)
        previous = ranks(total_by_group(before, history.tracks, groups), by)
    first, last = _first_and_last(plays, groups, chosen)
    ms = int(np.maximum(plays.ms_played, 0).sum(dtype=np.int64))
    whole = len(plays) if by is TopBy.PLAYS else ms
    return Top(
        of=of,
        by=by,
        items=tuple(
            TopItem(
                rank=place,
                id=item,
                plays=item_plays,
                ms=item_ms,
                share=(item_plays if by is TopBy.PLAYS else item_ms) / whole if whole else None,
                first_play_at=datetime.fromtimestamp(first_at, UTC),
                last_play_at=datetime.fromtimestamp(last_at, UTC),
                previous_rank=rank_before or None,
            )
            for place, (item, item_plays, item_ms, first_at, last_at, rank_before) in enumerate(
                zip(
                    groups.ids[chosen].tolist(),
                    totals.plays[chosen].tolist(),
                    totals.ms[chosen].tolist(),
                    first.tolist(),
                    last.tolist(),
                    previous[chosen].tolist(),
                    strict=True,
                ),
                start=1,
            )
        ),
        distinct=int(np.count_nonzero(totals.plays)),
        plays=len(plays),
        ms=ms,
    )


def group_tracks(tracks: TrackColumns, of: TopOf) -> Groups:
    """Every track's group; UNKNOWN is no group, and its tracks have the place -1. Held beside the tracks."""
    return tracks.held.get(of, lambda: _grouped(tracks, of))


def group_keys(tracks: TrackColumns, of: TopOf) -> NDArray[np.int64]:
    """What tracks are grouped by."""
    return {TopOf.TRACKS: tracks.track_id, TopOf.ARTISTS: tracks.artist, TopOf.ALBUMS: tracks.album}[of]


def grown_groups(groups: Groups, keys: NDArray[np.int64]) -> Groups:
    """The groups of these keys, which begin with those of `groups`; without sorting all of them again."""
    rows = len(groups.group)
    more = keys[rows:]
    fresh, first = np.unique(more, return_index=True)
    is_fresh = ~np.isin(fresh, groups.ids) & (fresh != UNKNOWN)
    fresh, first = fresh[is_fresh], first[is_fresh]
    at = np.searchsorted(groups.ids, fresh)
    ids = np.insert(groups.ids, at, fresh)
    # Each old group moves up by the new ones before it.
    group = groups.group + np.searchsorted(at, groups.group, side="right") if len(fresh) else groups.group
    group_of_more = np.where(more == UNKNOWN, UNKNOWN, np.searchsorted(ids, more))
    return Groups(ids, np.append(group, group_of_more), np.insert(groups.first, at, first + rows))


def _grouped(tracks: TrackColumns, of: TopOf) -> Groups:
    keys = group_keys(tracks, of)
    ids, first, group = np.unique(keys, return_index=True, return_inverse=True)
    known = slice(1 if len(ids) and ids[0] == UNKNOWN else 0, None)
    return Groups(ids[known], group.astype(np.int64) - (known.start or 0), first[known].astype(np.int64))


def total_by_group(plays: PlayColumns, tracks: TrackColumns, groups: Groups) -> Totals:
    if len(plays) < len(tracks):
        # Through the tracks only where they are fewer than the plays.
        place, size = groups.group[plays.track] + 1, len(groups.ids) + 1
        played = np.maximum(plays.ms_played, 0).astype(np.float64)
        return Totals(
            np.bincount(place, minlength=size)[1:],
            np.bincount(place, weights=played, minlength=size)[1:].astype(np.int64),
        )
    by_track = np.bincount(plays.track, minlength=len(tracks))
    # As doubles at once: bincount converts whole numbers one by one.
    ms = np.maximum(plays.ms_played, 0).astype(np.float64)
    ms_by_track = np.bincount(plays.track, weights=ms, minlength=len(tracks))
    # Tracks of no group are counted in front, at 0, and left out.
    place, size = groups.group + 1, len(groups.ids) + 1
    # Sums of whole numbers are exact in doubles up to 2 ** 53.
    return Totals(
        np.bincount(place, weights=by_track, minlength=size)[1:].astype(np.int64),
        np.bincount(place, weights=ms_by_track, minlength=size)[1:].astype(np.int64),
    )


def ranked(totals: Totals, by: TopBy, *, limit: int | None = None) -> NDArray[np.intp]:
    """The groups with plays, the first rank first; all, or `limit` of them."""
    first, second = (totals.plays, totals.ms) if by is TopBy.PLAYS else (totals.ms, totals.plays)
    heard = np.flatnonzero(totals.plays)
    if limit is not None and len(heard) > limit:
        # Only what reaches the last place of the list has to be put in order.
        least = np.partition(first[heard], len(heard) - limit)[len(heard) - limit]
        heard = heard[first[heard] >= least]
        tied = np.flatnonzero(first[heard] == least)
        places = limit - (len(heard) - len(tied))
        if len(tied) > places:
            least = np.partition(second[heard[tied]], len(tied) - places)[len(tied) - places]
            heard = np.delete(heard, tied[second[heard[tied]] < least])
    # Sorting is stable and groups ascend by id, so equals stay in the order of their ids.
    return heard[np.lexsort((-second[heard], -first[heard]))][:limit]


def ranks(totals: Totals, by: TopBy) -> NDArray[np.int64]:
    """The rank of every group, counted from 1; 0 for groups without plays."""
    order = ranked(totals, by)
    places = np.zeros(len(totals.plays), dtype=np.int64)
    places[order] = np.arange(1, len(order) + 1)
    return places


def _first_and_last(
    plays: CountedPlays, groups: Groups, chosen: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    wanted = np.zeros(len(groups.ids) + 1, dtype=np.bool_)
    wanted[chosen] = True
    # Of several values for one place the last written stays: each track is left with its last play.
    latest = np.zeros(len(groups.group), dtype=np.int64)
    latest[plays.track] = plays.ended_at
    firsts = plays.firsts()
    firsts = firsts[wanted[groups.group[plays.track[firsts]]]]
    rows = plays.track[firsts]
    first = np.zeros(len(groups.ids), dtype=np.int64)
    last = np.zeros(len(groups.ids), dtype=np.int64)
    # From the newest to the oldest, so that the first one of the group stays.
    first[groups.group[rows[::-1]]] = plays.ended_at[firsts[::-1]]
    np.maximum.at(last, groups.group[rows], latest[rows])
    return first[chosen], last[chosen]
