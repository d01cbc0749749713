"""The listening history, the catalogue it refers to, and the daily snapshots."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from spotify_insights.database.table import CreatedAt, Id, Table, UpdatedAt

SOURCES = ("spotify_api", "spotify_export", "listenbrainz", "lastfm", "manual")


def _known_source(column: str = "source") -> str:
    return f"{column} IN ({', '.join(repr(source) for source in SOURCES)})"


class Artist(Table):
    __tablename__ = "artists"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    spotify_id: Mapped[str | None] = mapped_column(unique=True)
    name: Mapped[str]
    # Absent is unknown, which is what development mode gives; an empty list is "none".
    genres: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    source: Mapped[str]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (CheckConstraint(_known_source(), name="source_known"),)


class Track(Table):
    """One track. A number is its key because plays, the largest table, point here."""

    __tablename__ = "tracks"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    spotify_id: Mapped[str | None] = mapped_column(unique=True)
    isrc: Mapped[str | None] = mapped_column(index=True)
    name: Mapped[str]
    album_name: Mapped[str | None]
    album_spotify_id: Mapped[str | None]
    duration_ms: Mapped[int | None]
    explicit: Mapped[bool | None]
    source: Mapped[str]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        CheckConstraint(_known_source(), name="source_known"),
        CheckConstraint("duration_ms >= 0", name="duration_not_negative"),
    )


class TrackArtist(Table):
    """Who performs a track, in the order of the credits."""

    __tablename__ = "track_artists"

    track_id: Mapped[int] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    artist_id: Mapped[int] = mapped_column(ForeignKey("artists.id", ondelete="CASCADE"), index=True)


class TrackFeature(Table):
    """Audio features of one track from one provider; all empty where that provider knows none.

    A row without features keeps us from asking again before `fetched_at` is a month old.
    """

    __tablename__ = "track_features"

    track_id: Mapped[int] = mapped_column(ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    found: Mapped[bool]
    danceability: Mapped[float | None]
    energy: Mapped[float | None]
    valence: Mapped[float | None]
    acousticness: Mapped[float | None]
    instrumentalness: Mapped[float | None]
    liveness: Mapped[float | None]
    speechiness: Mapped[float | None]
    tempo: Mapped[float | None]
    loudness: Mapped[float | None]
    fetched_at: Mapped[CreatedAt]


class Play(Table):
    """One play. `ms_played` is None where the source does not tell it; it is never guessed."""

    __tablename__ = "plays"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    track_id: Mapped[int] = mapped_column(ForeignKey("tracks.id"))
    ended_at: Mapped[datetime]
    ms_played: Mapped[int | None]
    source: Mapped[str]

    __table_args__ = (
        UniqueConstraint(
            "user_id",
            "ended_at",
            "track_id",
            "ms_played",
            postgresql_nulls_not_distinct=True,
            name="uq_plays",
        ),
        CheckConstraint(_known_source(), name="source_known"),
        CheckConstraint("ms_played >= 0", name="ms_played_not_negative"),
        Index("ix_plays_track_id", "track_id"),
    )


class ListeningSnapshot(Table):
    """What `listening.snapshot.Snapshot` says, stored once per listener, local day and range."""

    __tablename__ = "listening_snapshots"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    snapshot_date: Mapped[date]
    time_range: Mapped[str]
    timezone: Mapped[str]
    audio_features: Mapped[dict[str, object]]
    mood_patterns: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    mood_diversity_score: Mapped[float | None]
    effective_moods: Mapped[float | None]
    rhythm: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    top_tracks: Mapped[list[object]]
    top_artists: Mapped[list[object]]
    coverage: Mapped[dict[str, object]]
    content_hash: Mapped[str]
    created_at: Mapped[CreatedAt]
    computed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))

    __table_args__ = (
        UniqueConstraint("user_id", "snapshot_date", "time_range"),
        CheckConstraint(
            "time_range IN ('short_term', 'medium_term', 'long_term', 'week')", name="time_range_known"
        ),
        CheckConstraint("mood_diversity_score BETWEEN 0 AND 1", name="diversity_is_a_share"),
        Index("ix_listening_snapshots_newest", "user_id", text("computed_at DESC"), text("id DESC")),
    )


class RecentlyPlayedPoll(Table):
    """When a listener's recently played tracks were last asked for, and how many plays that brought."""

    __tablename__ = "recently_played_polls"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    polled_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    new_plays: Mapped[int]
