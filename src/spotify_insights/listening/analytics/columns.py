"""A listening history as columns: what every analysis reads. Plain arrays, filled elsewhere."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES

UNKNOWN: Final = -1

SKIPPED: Final = 1
"""The source says that the listener skipped the track, or ended it with the next or previous button."""
PLAYED_TO_END: Final = 2
"""The source says that the track ended by itself."""
PRIVATE_SESSION: Final = 4

FEATURES: Final = len(FEATURE_NAMES)
PROVIDERS: Final = ("catalogue", "spotify", "reccobeats", "tags")
"""By the number that stands in `TrackColumns.providers`."""


@dataclass(frozen=True, slots=True)
class PlayColumns:
    """Plays of one listener, the oldest first. All arrays have one length, the number of plays.

    Attributes:
        ended_at: Unix seconds, ascending.
        track: the index of the track in `TrackColumns`.
        ms_played: UNKNOWN where the source does not tell; never the track's length.
        flags: SKIPPED, PLAYED_TO_END and PRIVATE_SESSION, added.
    """

    ended_at: NDArray[np.int64]
    track: NDArray[np.int32]
    ms_played: NDArray[np.int32]
    flags: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ended_at)

    def between(self, since: int, until: int) -> "PlayColumns":
        """The plays that ended in [since, until), Unix seconds. Views, no copies."""
        first, last = np.searchsorted(self.ended_at, (since, until))
        return self.where(slice(int(first), int(last)))

    def where(self, chosen: "slice | NDArray[np.bool_] | NDArray[np.intp]") -> "PlayColumns":
        """Those that `chosen` selects."""
        return PlayColumns(
            self.ended_at[chosen], self.track[chosen], self.ms_played[chosen], self.flags[chosen]
        )


@dataclass(frozen=True, slots=True)
class TrackColumns:
    """The tracks of one listener. All arrays have one length, the number of tracks.

    Tracks that are the same song by title and artist under several ids are one row. `artist` and `album` are
    numbers of the database (first credit; UNKNOWN where there is none), equal for equal artists and albums.

    Attributes:
        track_id: the number of the track in the database.
        duration_ms: UNKNOWN where no source tells.
        features: float32, one row for each track and one column for each of FEATURE_NAMES; NaN is unknown.
        providers: like `features`: who supplied the value, an index into PROVIDERS, UNKNOWN for nobody.
    """

    track_id: NDArray[np.int64]
    artist: NDArray[np.int64]
    album: NDArray[np.int64]
    duration_ms: NDArray[np.int32]
    features: NDArray[np.float32]
    providers: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.track_id)


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """Everything that analyses need about one listener."""

    plays: PlayColumns
    tracks: TrackColumns
