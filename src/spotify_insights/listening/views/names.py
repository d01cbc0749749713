"""What the tracks, artists and albums are called that a view shows by their numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from spotify_insights.listening.analytics.columns import TrackColumns
from spotify_insights.listening.analytics.top import TopOf, group_tracks


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


def tracks_on(albums: Iterable[int], tracks: TrackColumns) -> dict[int, int]:
    """The number of the first track on each of these albums: albums have no table, tracks name them."""
    groups = group_tracks(tracks, TopOf.ALBUMS)
    wanted = np.fromiter(albums, np.int64)
    rows = groups.first[np.searchsorted(groups.ids, wanted)]
    return dict(zip(wanted.tolist(), tracks.track_id[rows].tolist(), strict=True))
