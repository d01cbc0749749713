"""Loading a listener's history with its names, and what counts as a play for them."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.accounts.profile import no_such_user
from spotify_insights.listening.analytics.columns import HistoryColumns
from spotify_insights.listening.analytics.play_rule import Counting, PlayRule
from spotify_insights.listening.blocks.history import load_history
from spotify_insights.listening.blocks.refresh import read_history
from spotify_insights.listening.heard_history import HeardArtist, HeardHistory, HeardTrack
from spotify_insights.listening.views.asked import Asked, chosen_counting

_PREFERENCES: Final = text("SELECT preferences FROM users WHERE id = :user_id")

# A source may know a track or an artist by name only; the ranking has to count them all the same. An artist
# who is known by name alone is the one of that name who has an id, if there is just one.
_TRACKS: Final = text("""
    SELECT t.id, coalesce(t.spotify_id, 'track:' || t.id) AS spotify_id, t.name
      FROM tracks t WHERE t.id = ANY(:track_ids)
""")
_CREDITS: Final = text("""
    SELECT c.track_id, coalesce(CASE WHEN a.spotify_id IS NULL THEN
               (SELECT min(b.id) FROM artists b
                 WHERE b.name_key = a.name_key AND b.spotify_id IS NOT NULL HAVING count(*) = 1)
           END, a.id) AS artist_id
      FROM track_artists c JOIN artists a ON a.id = c.artist_id
     WHERE c.track_id = ANY(:track_ids)
     ORDER BY c.track_id, c.position
""")
_ARTISTS: Final = text("""
    SELECT a.id, coalesce(a.spotify_id, 'artist:' || a.id) AS spotify_id, a.name,
           coalesce(nullif(a.genres, '{}'), told.genres, '{}') AS genres
      FROM artists a
      LEFT JOIN artist_genres told ON told.artist_id = a.id AND told.provider = 'listenbrainz'
     WHERE a.id = ANY(:artist_ids)
""")


def load_heard(session: Session, user_id: UUID, *, default_rule: PlayRule) -> HeardHistory:
    """The whole history, with all that snapshots of calendar ranges need.

    Args:
        default_rule: what counts as a play where the listener prefers nothing else.

    Raises:
        NotFoundError: there is no such user.
    """
    columns = columns_of(session, user_id)
    return HeardHistory(
        columns=columns,
        catalogue=_catalogue(session, columns.tracks.track_id.tolist()),
        counting=counting_of(session, user_id, default_rule=default_rule),
    )


def columns_of(session: Session, user_id: UUID) -> HistoryColumns:
    """The plays that we hold: from the blocks where there are some, else from the plays themselves."""
    packed = load_history(session, user_id)
    return read_history(session, user_id) if packed is None else packed


def counting_of(session: Session, user_id: UUID, *, default_rule: PlayRule) -> Counting:
    """What counts as a play for this listener: as in the views that they look at.

    Raises:
        NotFoundError: there is no such user.
    """
    preferences: dict[str, Any] | None = session.scalar(_PREFERENCES, {"user_id": user_id})
    if preferences is None:
        raise no_such_user()
    return chosen_counting(Asked(), preferences, default_rule=default_rule)


def _catalogue(session: Session, track_ids: Sequence[int]) -> dict[int, HeardTrack]:
    wanted = {"track_ids": track_ids}
    credited: dict[int, list[int]] = {}
    for track_id, artist_id in session.execute(_CREDITS, wanted):
        credited.setdefault(track_id, []).append(artist_id)
    artist_ids = sorted({artist_id for each in credited.values() for artist_id in each})
    artists = {
        row.id: HeardArtist(spotify_id=row.spotify_id, name=row.name, genres=tuple(row.genres))
        for row in session.execute(_ARTISTS, {"artist_ids": artist_ids})
    }
    return {
        row.id: HeardTrack(
            spotify_id=row.spotify_id,
            name=row.name,
            artists=tuple(artists[artist_id] for artist_id in credited.get(row.id, ())),
        )
        for row in session.execute(_TRACKS, wanted)
    }
