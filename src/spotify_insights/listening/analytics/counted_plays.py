"""The plays of a history that count, with what views need to know of each beyond its own row."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from spotify_insights.listening.analytics.columns import PlayColumns, TrackColumns
from spotify_insights.listening.analytics.room import appended

NONE_BEFORE: Final = -1

_PLACE_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class CountedPlays(PlayColumns):
    """Plays that count, or some in a row of them. 12 bytes for each beyond its row.

    Attributes:
        limited: `PlayColumns.limited_ms`.
        completion: `PlayColumns.completions`.
        previous: the place, among all that count, of the play before of the same track, or NONE_BEFORE.
        place: the place of the first of these among all that count.
    """

    limited: NDArray[np.int32]
    completion: NDArray[np.uint8]
    previous: NDArray[np.int32]
    place: int = 0

    @override
    def between(self, since: int, until: int) -> "CountedPlays":
        first, last = np.searchsorted(self.ended_at, (since, until)).tolist()
        return self.part(first, last)

    def part(self, first: int, last: int) -> "CountedPlays":
        """The plays from `first` until before `last`. Views, no copies."""
        chosen = slice(first, last)
        return CountedPlays(
            self.ended_at[chosen],
            self.track[chosen],
            self.ms_played[chosen],
            self.flags[chosen],
            self.limited[chosen],
            self.completion[chosen],
            self.previous[chosen],
            self.place + first,
        )

    @override
    def limited_ms(self, tracks: TrackColumns) -> NDArray[np.int32]:
        return self.limited

    @override
    def completions(self, tracks: TrackColumns) -> NDArray[np.uint8]:
        return self.completion

    def firsts(self) -> NDArray[np.intp]:
        """Where each track comes for the first time in these plays: ascending positions."""
        return np.flatnonzero(self.previous < self.place)


def count_plays(
    plays: PlayColumns, tracks: TrackColumns, *, after: CountedPlays | None = None
) -> CountedPlays:
    """These plays, all of which count; behind those of `after`, of the same tracks, where there are some."""
    tail = CountedPlays(
        plays.ended_at,
        plays.track,
        plays.ms_played,
        plays.flags,
        plays.limited_ms(tracks),
        plays.completions(tracks),
        previous_of_track(plays.track),
    )
    if after is None:
        after = tail.part(0, 0)
    latest = np.full(len(tracks), NONE_BEFORE, dtype=np.int32)
    # Of several values for one track the last written stays.
    latest[after.track] = np.arange(len(after), dtype=np.int32)
    inside = tail.previous != NONE_BEFORE
    previous = np.where(inside, tail.previous + np.int32(len(after)), latest[plays.track])
    return CountedPlays(
        appended(after.ended_at, tail.ended_at),
        appended(after.track, tail.track),
        appended(after.ms_played, tail.ms_played),
        appended(after.flags, tail.flags),
        appended(after.limited, tail.limited),
        appended(after.completion, tail.completion),
        appended(after.previous, previous),
    )


def previous_of_track(track: NDArray[np.int32]) -> NDArray[np.int32]:
    """For each play the position of the one before of the same track, or NONE_BEFORE."""
    # One number for track and position, the track above: in its order the plays of a track follow each other.
    keys = track.astype(np.int64) << _PLACE_BITS
    keys += np.arange(len(track))
    keys.sort()
    tracks, places = keys >> _PLACE_BITS, (keys & ((1 << _PLACE_BITS) - 1)).astype(np.int32)
    previous = np.full(len(track), NONE_BEFORE, dtype=np.int32)
    again = np.flatnonzero(tracks[1:] == tracks[:-1])
    previous[places[again + 1]] = places[again]
    return previous
