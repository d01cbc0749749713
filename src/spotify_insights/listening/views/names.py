"""What the tracks, artists and albums are called that a view shows by their numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import TrackColumns


@dataclass(frozen=True, slots=True)
class TrackName:
    """`artist` is the first one credited. `name` is None where the track was deleted a moment ago."""

    name: str | None
    artist: str | None
    album: str | None
    spotify_id: str | None
    album_spotify_id: str | None = None


@dataclass(frozen=True, slots=True)
class ArtistName:
    name: str | None
    spotify_id: str | None


@dataclass(frozen=True, slots=True)
class Names:
    """Names by the numbers of the database."""

    tracks: Mapping[int, TrackName] = field(default_factory=dict)
    artists: Mapping[int, ArtistName] = field(default_factory=dict)

    def track(self, track_id: int) -> dict[str, Any]:
        """A track as answers show it."""
        known = self.tracks.get(track_id, _NO_TRACK)
        return {
            "name": known.name,
            "artist": known.artist,
            "album": known.album,
            "spotify_id": known.spotify_id,
        }

    def artist(self, artist_id: int) -> dict[str, Any]:
        """An artist as answers show them."""
        known = self.artists.get(artist_id, _NO_ARTIST)
        return {"name": known.name, "spotify_id": known.spotify_id}

    def album_of(self, track_id: int) -> dict[str, Any]:
        """The album of a track as answers show it."""
        known = self.tracks.get(track_id, _NO_TRACK)
        return {"name": known.album, "artist": known.artist, "spotify_id": known.album_spotify_id}


_NO_TRACK: Final = TrackName(None, None, None, None)
_NO_ARTIST: Final = ArtistName(None, None)
NO_NAMES: Final = Names()


def named_tracks(rows: Iterable[tuple[Any, ...]]) -> Names:
    return Names(tracks={number: TrackName(*told) for number, *told in rows})


def named_artists(rows: Iterable[tuple[Any, ...]]) -> Names:
    return Names(artists={number: ArtistName(*told) for number, *told in rows})


def tracks_on(albums: Iterable[int], tracks: TrackColumns) -> dict[int, int]:
    """For each of these albums the number of a track on it: albums have no table, their tracks name them."""
    wanted: NDArray[np.int64] = np.unique(np.fromiter(albums, np.int64))
    if not len(wanted):
        return {}
    place = np.minimum(np.searchsorted(wanted, tracks.album), len(wanted) - 1)
    rows = np.flatnonzero(wanted[place] == tracks.album)[::-1]
    # In reverse, so that the first track of an album is the one that stays.
    return dict(zip(tracks.album[rows].tolist(), tracks.track_id[rows].tolist(), strict=True))
