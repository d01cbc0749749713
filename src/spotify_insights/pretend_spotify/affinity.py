"""Top items as the API gives them: worked out once a day and kept, since paging must not shift."""

from datetime import datetime
from functools import lru_cache

from spotify_insights.pretend_spotify.catalogue import Artist, Track
from spotify_insights.pretend_spotify.listener import listener_of


@lru_cache(maxsize=256)
def top_tracks_on(persona_key: str, seed: int, time_range: str, midnight: datetime) -> tuple[Track, ...]:
    return tuple(listener_of(persona_key, seed).top_tracks(time_range, midnight))


@lru_cache(maxsize=256)
def top_artists_on(persona_key: str, seed: int, time_range: str, midnight: datetime) -> tuple[Artist, ...]:
    return tuple(listener_of(persona_key, seed).top_artists(time_range, midnight))
