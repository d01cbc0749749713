"""Storing artists and tracks once, whoever's listening brought them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.listening.models import Artist, Track, TrackArtist
from spotify_insights.listening.name_key import artist_key, track_key

# An answer without artists says nothing about them.
_FORGET_FURTHER_CREDITS: Final = text("""
    DELETE FROM track_artists known
     USING unnest(CAST(:track_ids AS bigint[]), CAST(:credits AS int[])) AS told (track_id, credits)
     WHERE known.track_id = told.track_id AND known.position >= told.credits AND told.credits > 0
""")


@dataclass(frozen=True)
class ArtistEntry:
    """An artist as a source names it; `genres` is None where the source does not tell."""

    spotify_id: str
    name: str
    genres: tuple[str, ...] | None = None


@dataclass(frozen=True)
class TrackEntry:
    """A track as a source names it."""

    spotify_id: str
    name: str
    artists: tuple[ArtistEntry, ...]
    album_name: str | None
    album_spotify_id: str | None
    duration_ms: int | None
    explicit: bool | None
    isrc: str | None

    @property
    def name_key(self) -> UUID | None:
        """The key of the song by its first artist; None where no artist is named."""
        return track_key(self.name, self.artists[0].name) if self.artists else None


def store_artists(session: Session, artists: Iterable[ArtistEntry], *, source: str) -> dict[str, int]:
    """Insert or refresh; the key of each by its Spotify id. Known genres are never forgotten."""
    entries = _merged(artists)
    if not entries:
        return {}
    statement = insert(Artist).values(
        [
            {
                "spotify_id": entry.spotify_id,
                "name": entry.name,
                "name_key": artist_key(entry.name),
                "genres": None if entry.genres is None else list(entry.genres),
                "source": source,
            }
            for entry in entries
        ]
    )
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["spotify_id"],
            set_={
                "name": new.name,
                "name_key": new.name_key,
                "genres": func.coalesce(new.genres, Artist.genres),
                "updated_at": func.clock_timestamp(),
            },
            where=or_(
                Artist.name != new.name,
                Artist.name_key.is_(None),
                new.genres.is_not(None) & Artist.genres.is_distinct_from(new.genres),
            ),
        )
    )
    found = session.execute(
        select(Artist.spotify_id, Artist.id).where(
            Artist.spotify_id.in_([entry.spotify_id for entry in entries])
        )
    )
    return {spotify_id: key for spotify_id, key in found if spotify_id is not None}


def store_tracks(
    session: Session, tracks: Iterable[TrackEntry], artist_keys: Mapping[str, int], *, source: str
) -> dict[str, int]:
    """Insert or refresh tracks with their credits; the key of each track by its Spotify id.

    Args:
        artist_keys: what `store_artists` gave for every artist in the credits.
    """
    entries = sorted({track.spotify_id: track for track in tracks}.values(), key=lambda t: t.spotify_id)
    if not entries:
        return {}
    columns = ("name", "name_key", "album_name", "album_spotify_id", "duration_ms", "explicit", "isrc")
    statement = insert(Track).values(
        [
            {"spotify_id": entry.spotify_id, "source": source}
            | {column: getattr(entry, column) for column in columns}
            for entry in entries
        ]
    )
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["spotify_id"],
            # A thin answer must not wipe out what a fuller one told us.
            set_={column: func.coalesce(new[column], getattr(Track, column)) for column in columns}
            | {"updated_at": func.clock_timestamp()},
            where=or_(
                *(
                    new[column].is_not(None) & getattr(Track, column).is_distinct_from(new[column])
                    for column in columns
                )
            ),
        )
    )
    found = session.execute(
        select(Track.spotify_id, Track.id).where(
            Track.spotify_id.in_([entry.spotify_id for entry in entries])
        )
    )
    keys = {spotify_id: key for spotify_id, key in found if spotify_id is not None}
    _store_credits(session, entries, keys, artist_keys)
    return keys


def _merged(artists: Iterable[ArtistEntry]) -> list[ArtistEntry]:
    """One entry per artist, with genres where any entry has them, in one order for every process.

    Two transactions that write the same rows in different orders would lock each other for ever.
    """
    merged: dict[str, ArtistEntry] = {}
    for artist in artists:
        if artist.spotify_id not in merged or merged[artist.spotify_id].genres is None:
            merged[artist.spotify_id] = artist
    return sorted(merged.values(), key=lambda artist: artist.spotify_id)


def _store_credits(
    session: Session,
    entries: Sequence[TrackEntry],
    track_keys: Mapping[str, int],
    artist_keys: Mapping[str, int],
) -> None:
    rows = [
        {
            "track_id": track_keys[entry.spotify_id],
            "position": position,
            "artist_id": artist_keys[artist.spotify_id],
        }
        for entry in entries
        for position, artist in enumerate(entry.artists)
    ]
    if not rows:
        return
    session.execute(
        _FORGET_FURTHER_CREDITS,
        {
            "track_ids": [track_keys[entry.spotify_id] for entry in entries],
            "credits": [len(entry.artists) for entry in entries],
        },
    )
    statement = insert(TrackArtist).values(rows)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["track_id", "position"],
            set_={"artist_id": statement.excluded.artist_id},
            where=text("track_artists.artist_id <> excluded.artist_id"),
        )
    )
