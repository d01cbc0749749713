"""From what Spotify told to rows: the catalogue, audio features and plays, each thing once."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.audio_features.chain import Filled
from spotify_insights.listening.catalogue import store_artists, store_features, store_tracks
from spotify_insights.listening.fetch import SPOTIFY, RecentPlays, TopItems
from spotify_insights.listening.plays import store_plays

SOURCE: Final = "spotify_api"

_NOTE_POLL: Final = text("""
    INSERT INTO recently_played_polls (user_id, polled_at, new_plays)
    VALUES (:user_id, clock_timestamp(), :new_plays)
        ON CONFLICT (user_id) DO UPDATE SET polled_at = excluded.polled_at, new_plays = excluded.new_plays
""")


def store_fetched(
    session: Session,
    user_id: UUID,
    recent: RecentPlays,
    *,
    tops: Iterable[TopItems] = (),
    filled: Filled | None = None,
    asked: Sequence[str] = (),
) -> int:
    """Store all of it and note when it was asked for; the number of new plays. Safe to repeat.

    Args:
        filled: the audio features that were found, if anybody was asked.
        asked: the tracks for which Spotify was asked for them.
    """
    tops = tuple(tops)
    tracks = (*(track for top in tops for track in top.tracks), *recent.tracks)
    # Artists before tracks: an entry from the top list may know genres that a track's credit does not.
    top_artists = (artist for top in tops for artist in top.artists)
    credited = (artist for track in tracks for artist in track.artists)
    artist_keys = store_artists(session, (*top_artists, *credited), source=SOURCE)
    keys = store_tracks(session, tracks, artist_keys, source=SOURCE)
    if filled is not None:
        _store_features(session, keys, filled, asked)
    new_plays = store_plays(session, user_id, recent.plays, keys, source=SOURCE)
    session.execute(_NOTE_POLL, {"user_id": user_id, "new_plays": new_plays})
    return new_plays


def _store_features(session: Session, keys: dict[str, int], filled: Filled, asked: Sequence[str]) -> None:
    answered = SPOTIFY not in filled.unavailable and SPOTIFY not in filled.failed
    store_features(
        session,
        keys,
        {
            track: features
            for track, features in filled.features.items()
            if filled.supplied_by[track] == SPOTIFY
        },
        asked=asked if answered else [],
        provider=SPOTIFY,
    )
