"""The genres that we hold: Spotify's where it tells them, else those of another provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.listening.genres.models import ArtistGenres

# Genres of an artist hardly change; those of a new one are found by people within some weeks.
ASK_AGAIN_AFTER: Final = timedelta(days=90)

_KNOWN: Final = text("""
    SELECT a.spotify_id, told.genres
      FROM artists a JOIN artist_genres told ON told.artist_id = a.id
     WHERE a.spotify_id = ANY(:spotify_ids) AND told.genres <> '{}'
     ORDER BY told.provider DESC
""")
# Whoever stands first in the credits, and the track of theirs that was played most.
_LACKING: Final = text("""
    WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS present),
    played AS (
         SELECT p.track_id, count(*) AS plays FROM plays p WHERE NOT p.superseded GROUP BY p.track_id),
    need AS (
         SELECT c.artist_id, sum(played.plays) AS plays,
                (array_agg(c.track_id ORDER BY played.plays DESC, c.track_id))[1] AS track_id
           FROM played JOIN track_artists c ON c.track_id = played.track_id AND c.position = 0
          GROUP BY c.artist_id)
    SELECT a.id, a.name, t.name AS title
      FROM need JOIN artists a ON a.id = need.artist_id JOIN tracks t ON t.id = need.track_id
     CROSS JOIN moment
      LEFT JOIN artist_genres own ON own.artist_id = a.id AND own.provider = :provider
     WHERE coalesce(a.genres, '{}') = '{}'
       AND (own.artist_id IS NULL OR own.fetched_at <= moment.present - :ask_again)
     ORDER BY need.plays DESC, a.id
     LIMIT :limit
""")


@dataclass(frozen=True)
class LackingArtist:
    """An artist without genres, and one of their tracks."""

    artist_id: int
    name: str
    title: str


def genres_told(session: Session, spotify_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By Spotify id the genres that others than Spotify tell; artists of whom they know none are left out."""
    rows = session.execute(_KNOWN, {"spotify_ids": list(spotify_ids)})
    return {row.spotify_id: tuple(row.genres) for row in rows}


def lacking_artists(session: Session, provider: str, *, limit: int) -> list[LackingArtist]:
    """Artists without genres for whom `provider` was not asked within 90 days, the most played first."""
    rows = session.execute(_LACKING, {"provider": provider, "ask_again": ASK_AGAIN_AFTER, "limit": limit})
    return [LackingArtist(row.id, row.name, row.title) for row in rows]


def store_genres(session: Session, artist_id: int, genres: Sequence[str], *, provider: str) -> None:
    """Keep what `provider` said about the artist, including that it knows nothing."""
    statement = insert(ArtistGenres).values(artist_id=artist_id, provider=provider, genres=list(genres))
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["artist_id", "provider"],
            set_={"genres": statement.excluded.genres, "fetched_at": func.clock_timestamp()},
        )
    )
