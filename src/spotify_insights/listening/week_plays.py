"""Loading what we hold about one listener's week, and about the time before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.listening.features.store import known_features
from spotify_insights.listening.take_week_snapshot import HeardArtist, HeardTrack, Play, WeekEvidence
from spotify_insights.listening.week import Week

# Spotify counts a stream from 30 seconds on, and the recently played list leaves shorter ones out. An
# export has them: counted, they would make an imported week look fuller than a polled one.
COUNTED: Final = (
    "NOT p.superseded AND NOT p.private_session AND (p.ms_played IS NULL OR p.ms_played >= 30000)"
)

_PLAYS: Final = text(f"""
    SELECT p.track_id, p.ended_at FROM plays p
     WHERE p.user_id = :user_id AND p.ended_at >= :since AND p.ended_at < :until AND {COUNTED}
     ORDER BY p.ended_at, p.track_id
""")  # noqa: S608  # only constants are put together

# A source may know a track or an artist by name only; the ranking has to count them all the same.
_TRACKS: Final = text("""
    SELECT t.id, coalesce(t.spotify_id, 'track:' || t.id) AS spotify_id, t.name
      FROM tracks t WHERE t.id = ANY(:track_ids)
""")
_CREDITS: Final = text("""
    SELECT c.track_id, a.id, coalesce(a.spotify_id, 'artist:' || a.id) AS spotify_id, a.name,
           coalesce(nullif(a.genres, '{}'), told.genres, '{}') AS genres
      FROM track_artists c JOIN artists a ON a.id = c.artist_id
      LEFT JOIN artist_genres told ON told.artist_id = a.id AND told.provider = 'listenbrainz'
     WHERE c.track_id = ANY(:track_ids)
     ORDER BY c.track_id, c.position
""")
_LAST_PLAYS: Final = text(f"""
    SELECT c.artist_id, max(p.ended_at)
      FROM track_artists c JOIN plays p ON p.track_id = c.track_id
     WHERE c.artist_id = ANY(:artist_ids) AND p.user_id = :user_id AND p.ended_at < :until AND {COUNTED}
     GROUP BY c.artist_id
""")  # noqa: S608  # only constants are put together
_FIRST_PLAY: Final = text(f"""
    SELECT p.ended_at FROM plays p WHERE p.user_id = :user_id AND {COUNTED} ORDER BY p.ended_at LIMIT 1
""")  # noqa: S608  # only constants are put together


@dataclass(frozen=True)
class _Catalogue:
    tracks: Mapping[int, HeardTrack]
    artist_of_key: Mapping[int, HeardArtist]


def load_week(session: Session, user_id: UUID, week: Week, *, timezone: str) -> WeekEvidence:
    """The counted plays of the week by the listener's calendar, with all that a snapshot of it needs."""
    since, until = week.bounds(timezone)
    plays = _plays(session, user_id, since, until)
    catalogue = _load_catalogue(session, sorted({track_id for track_id, _ in plays}))
    last_plays = session.execute(
        _LAST_PLAYS, {"artist_ids": sorted(catalogue.artist_of_key), "user_id": user_id, "until": since}
    )
    return WeekEvidence(
        plays=[Play(track=catalogue.tracks[track_id], ended_at=ended_at) for track_id, ended_at in plays],
        features=known_features(session, [track.spotify_id for track in catalogue.tracks.values()]).found,
        plays_before=[ended_at for _, ended_at in _plays(session, user_id, *week.before.bounds(timezone))],
        artists_last_played_at={
            catalogue.artist_of_key[key].spotify_id: moment for key, moment in last_plays
        },
        first_play_at=session.scalar(_FIRST_PLAY, {"user_id": user_id}),
    )


def _plays(session: Session, user_id: UUID, since: datetime, until: datetime) -> list[tuple[int, datetime]]:
    rows = session.execute(_PLAYS, {"user_id": user_id, "since": since, "until": until})
    return [(row.track_id, row.ended_at) for row in rows]


def _load_catalogue(session: Session, track_ids: Sequence[int]) -> _Catalogue:
    wanted: dict[str, Any] = {"track_ids": track_ids}
    artist_of_key: dict[int, HeardArtist] = {}
    credited: dict[int, list[HeardArtist]] = {}
    for row in session.execute(_CREDITS, wanted):
        artist = HeardArtist(spotify_id=row.spotify_id, name=row.name, genres=tuple(row.genres))
        artist_of_key[row.id] = artist
        credited.setdefault(row.track_id, []).append(artist)
    tracks = {
        row.id: HeardTrack(spotify_id=row.spotify_id, name=row.name, artists=tuple(credited.get(row.id, ())))
        for row in session.execute(_TRACKS, wanted)
    }
    return _Catalogue(tracks=tracks, artist_of_key=artist_of_key)
