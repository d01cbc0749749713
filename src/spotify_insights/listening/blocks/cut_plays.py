"""From rows of plays, a slice of time after the other, to blocks of plays by songs."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import NO_PLAYS, PlayColumns, joined
from spotify_insights.listening.blocks.read_rows import SUPERSEDED


class Places:
    """Where each of a listener's tracks stands; new ones get the next places.

    Tracks of superseded plays have theirs, too: whether a play counts may change, and which track stands
    for a song must not depend on what happened before.
    """

    def __init__(self, track_ids: NDArray[np.int64]) -> None:
        self._known = len(track_ids)
        self.track_ids = track_ids

    @property
    def new_ids(self) -> NDArray[np.int64]:
        """The tracks behind those that were known at first."""
        return self.track_ids[self._known :]

    def plays_of(self, rows: NDArray[Any]) -> PlayColumns:
        """These plays, without the superseded ones, by the places of their tracks."""
        played, first_rows, numbers = np.unique(
            rows["track_id"].astype(np.int64), return_index=True, return_inverse=True
        )
        is_new = ~np.isin(played, self.track_ids)
        if is_new.any():
            new = played[is_new][np.argsort(first_rows[is_new])]
            self.track_ids = np.concatenate([self.track_ids, new])
        order = np.argsort(self.track_ids, kind="stable")
        places = order[np.searchsorted(self.track_ids, played, sorter=order)].astype(np.int32)
        plays = PlayColumns(
            ended_at=rows["ended_at"].astype(np.int64),
            track=places[numbers],
            ms_played=rows["ms_played"].astype(np.int32),
            flags=rows["flags"].astype(np.uint8),
        )
        return plays.where((plays.flags & SUPERSEDED) == 0)


def of_songs(slices: list[PlayColumns], song: NDArray[np.int32]) -> Iterator[PlayColumns]:
    """Each slice, which leaves the list and the memory on its turn, with the track that stands for a song."""
    while slices:
        plays = slices.pop(0)
        yield replace(plays, track=song[plays.track])


def blocks_of(slices: Iterable[PlayColumns], *, least: int) -> Iterator[PlayColumns]:
    """The same plays in blocks of at least so many, the last one excepted.

    Plays of one second stay together, so that a block can be read again by the moment of its first.
    """
    rest = NO_PLAYS
    for plays_of_slice in slices:
        plays = joined([rest, plays_of_slice])
        first = 0
        while len(plays) - first >= least:
            last_moment = plays.ended_at[first + least - 1]
            cut = int(np.searchsorted(plays.ended_at, last_moment, side="right"))
            yield plays.where(slice(first, cut))
            first = cut
        rest = plays.where(slice(first, None))
    if len(rest):
        yield rest
