"""A listening history as columns: what every analysis reads. Plain arrays, filled elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.held import Held
from spotify_insights.listening.analytics.room import appended

UNKNOWN: Final = -1

SKIPPED: Final = 1
"""The source says that the listener skipped the track, or ended it with the next or previous button."""
PLAYED_TO_END: Final = 2
"""The source says that the track ended by itself."""
PRIVATE_SESSION: Final = 4

COMPLETION_KNOWN: Final = 1
"""It is known whether the play was complete: see `PlayColumns.completions`."""
COMPLETE: Final = 2

_NO_LIMIT: Final = np.iinfo(np.int32).max

FEATURES: Final = len(FEATURE_NAMES)
PROVIDERS: Final = ("catalogue", "spotify", "reccobeats")
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

    def limited_ms(self, tracks: "TrackColumns") -> NDArray[np.int32]:
        """`min(ms_played, length of the track)`; UNKNOWN where the time played is, no limit by no length."""
        limits = np.where(tracks.duration_ms > 0, tracks.duration_ms, _NO_LIMIT).astype(np.int32, copy=False)
        limited: NDArray[np.int32] = np.minimum(self.ms_played, limits[self.track])
        return limited

    def completions(self, tracks: "TrackColumns") -> NDArray[np.uint8]:
        """COMPLETION_KNOWN and COMPLETE for each play, added.

        A play is complete when the source says that the track ended by itself, or when as much was played as
        the track is long. It is known when the source says how the track ended, or when both the time played
        and the length are known. The length is a measure here, never a time heard.
        """
        length = tracks.duration_ms[self.track]
        measured = (length > 0) & (self.ms_played >= 0)
        told = (self.flags & (SKIPPED | PLAYED_TO_END)) != 0
        complete = ((self.flags & PLAYED_TO_END) != 0) | (measured & (self.ms_played >= length))
        known = (told | measured).astype(np.uint8) * np.uint8(COMPLETION_KNOWN)
        completions: NDArray[np.uint8] = known + complete.astype(np.uint8) * np.uint8(COMPLETE)
        return completions


NO_PLAYS: Final = PlayColumns(
    ended_at=np.empty(0, np.int64),
    track=np.empty(0, np.int32),
    ms_played=np.empty(0, np.int32),
    flags=np.empty(0, np.uint8),
)


def plays_after(first: PlayColumns, more: PlayColumns) -> PlayColumns:
    """`more` behind `first`: see `room.appended`."""
    return PlayColumns(
        appended(first.ended_at, more.ended_at),
        appended(first.track, more.track),
        appended(first.ms_played, more.ms_played),
        appended(first.flags, more.flags),
    )


def joined(parts: Sequence[PlayColumns]) -> PlayColumns:
    """The plays of parts that follow each other."""
    if not parts:
        return NO_PLAYS
    return PlayColumns(
        ended_at=np.concatenate([part.ended_at for part in parts]),
        track=np.concatenate([part.track for part in parts]),
        ms_played=np.concatenate([part.ms_played for part in parts]),
        flags=np.concatenate([part.flags for part in parts]),
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
        held: what was derived from these columns.
    """

    track_id: NDArray[np.int64]
    artist: NDArray[np.int64]
    album: NDArray[np.int64]
    duration_ms: NDArray[np.int32]
    features: NDArray[np.float32]
    providers: NDArray[np.int8]
    held: Held = field(default_factory=Held, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.track_id)


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """Everything that analyses need about one listener. Nothing in it ever changes."""

    plays: PlayColumns
    tracks: TrackColumns
    held: Held = field(default_factory=Held, repr=False, compare=False)
