"""Questions about names."""

from collections.abc import Iterable
from typing import Final

from spotify_insights.database.hot_read import HotRead

_TRACKS: Final = """
    SELECT t.id, t.name, a.name, t.album_name, t.spotify_id, t.album_spotify_id
      FROM tracks t
      LEFT JOIN track_artists c ON c.track_id = t.id AND c.position = 0
      LEFT JOIN artists a ON a.id = c.artist_id
     WHERE t.id = ANY(%(ids)s::bigint[])
"""
_ARTISTS: Final = "SELECT a.id, a.name, a.spotify_id FROM artists a WHERE a.id = ANY(%(ids)s::bigint[])"


def track_names(ids: Iterable[int]) -> HotRead:
    """Of each its number and the values of a `TrackName`, in any order."""
    return HotRead(_TRACKS, {"ids": list(ids)}, binary=True)


def artist_names(ids: Iterable[int]) -> HotRead:
    """Of each their number and the values of an `ArtistName`, in any order."""
    return HotRead(_ARTISTS, {"ids": list(ids)}, binary=True)
