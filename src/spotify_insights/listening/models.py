"""The listening history, the catalogue it refers to, and the daily snapshots."""

from datetime import date, datetime
from typing import Annotated
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

SOURCES = ("spotify_api", "spotify_export", "spotify_account_data", "listenbrainz", "lastfm", "manual")


def _known_source(column: str = "source") -> str:
    return f"{column} IN ({', '.join(repr(source) for source in SOURCES)})"


def _name_keys(table: str) -> tuple[Index, Index]:
    return (
        Index(f"ix_{table}_name_key", "name_key"),
        Index(f"uq_{table}_name_key", "name_key", unique=True, postgresql_where=text("spotify_id IS NULL")),
    )


_False = Annotated[bool, mapped_column(server_default=text("false"))]


class Artist(Table):
    __tablename__ = "artists"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    spotify_id: Mapped[str | None] = mapped_column(unique=True)
    name: Mapped[str]
    # See `listening.name_key`. An artist without an id is told apart by it.
    name_key: Mapped[UUID | None]
    # Absent is unknown, which is what development mode gives; an empty list is "none".
    genres: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    source: Mapped[str]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        CheckConstraint(_known_source(), name="source_known"),
        *_name_keys("artists"),
    )


class Track(Table):
    """One track. A number is its key because plays, the largest table, point here."""

    __tablename__ = "tracks"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    spotify_id: Mapped[str | None] = mapped_column(unique=True)
    isrc: Mapped[str | None] = mapped_column(index=True)
    name: Mapped[str]
    # Of the title and the first artist; see `listening.name_key`. A track without an id is told apart by it.
    name_key: Mapped[UUID | None]
    album_name: Mapped[str | None]
    album_spotify_id: Mapped[str | None]
    duration_ms: Mapped[int | None]
    explicit: Mapped[bool | None]
    source: Mapped[str]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        CheckConstraint(_known_source(), name="source_known"),
        CheckConstraint("duration_ms >= 0", name="duration_not_negative"),
        *_name_keys("tracks"),
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
    """One play, as one source tells it.

    `ms_played` is None where the source does not tell it; it is never guessed. A play that a better source
    tells, too, is `superseded`: it is kept, counts nowhere, and counts again when the better one is undone.

    That its listener and its track are there is checked by triggers, once for each statement (migration
    0010): row by row, as foreign keys do it, that takes half of the time that storing an import takes.
    """

    __tablename__ = "plays"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[UUID]
    track_id: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[datetime]
    ms_played: Mapped[int | None]
    source: Mapped[str]
    platform: Mapped[str | None]
    country: Mapped[str | None]
    reason_start: Mapped[str | None]
    reason_end: Mapped[str | None]
    shuffle: Mapped[bool | None]
    skipped: Mapped[bool | None]
    offline: Mapped[bool | None]
    private_session: Mapped[_False]
    is_video: Mapped[_False]
    time_uncertain: Mapped[_False]
    superseded: Mapped[_False]

    __table_args__ = (
        UniqueConstraint(
            "user_id",
            "ended_at",
            "track_id",
            "ms_played",
            "source",
            postgresql_nulls_not_distinct=True,
            name="uq_plays",
        ),
        CheckConstraint(_known_source(), name="source_known"),
        CheckConstraint("ms_played >= 0", name="ms_played_not_negative"),
        Index("ix_plays_track_id", "track_id"),
        Index(
            "ix_plays_superseded",
            "user_id",
            "ended_at",
            postgresql_where=text("source <> 'spotify_export'"),
        ),
    )


class SpokenPlay(Table):
    """One play of a podcast's episode or an audiobook's chapter: kept, and apart from music.

    `superseded` says what it says of a `Play`.
    """

    __tablename__ = "spoken_plays"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    title_key: Mapped[UUID]
    title: Mapped[str]
    show_name: Mapped[str | None]
    spotify_uri: Mapped[str | None]
    ended_at: Mapped[datetime]
    ms_played: Mapped[int]
    source: Mapped[str]
    platform: Mapped[str | None]
    country: Mapped[str | None]
    reason_start: Mapped[str | None]
    reason_end: Mapped[str | None]
    private_session: Mapped[_False]
    time_uncertain: Mapped[_False]
    superseded: Mapped[_False]

    __table_args__ = (
        UniqueConstraint("user_id", "ended_at", "title_key", "ms_played", "source", name="uq_spoken_plays"),
        CheckConstraint("kind IN ('podcast', 'audiobook')", name="kind_known"),
        CheckConstraint("source IN ('spotify_export', 'spotify_account_data')", name="source_known"),
        CheckConstraint("ms_played >= 0", name="ms_played_not_negative"),
        Index(
            "ix_spoken_plays_superseded",
            "user_id",
            "ended_at",
            postgresql_where=text("source <> 'spotify_export'"),
        ),
    )


class ListeningGap(Table):
    """A time about which nobody told: more was played in it than Spotify's list of 50 held.

    `since` is the last play that we hold before it, None where there is none.
    """

    __tablename__ = "listening_gaps"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    since: Mapped[datetime | None]
    until: Mapped[datetime]
    found_at: Mapped[CreatedAt]

    __table_args__ = (UniqueConstraint("user_id", "until"),)


class PackedHistory(Table):
    """What a listener's blocks are by now: so many of plays, and so many of tracks; see `listening.blocks`.

    Derived: none of the three tables says anything that the plays do not say, and all can be rebuilt.
    """

    __tablename__ = "packed_histories"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    # That of the last change. One sequence counts for all listeners and goes on after whatever is dropped.
    generation: Mapped[int] = mapped_column(BigInteger)
    play_blocks: Mapped[int]
    track_blocks: Mapped[int]
    # Something about one of the tracks was learnt since: what stands here is right, but could say more.
    is_stale: Mapped[_False]


class HistoryBlock(Table):
    """Some thousand plays that follow each other, packed for analyses."""

    __tablename__ = "history_blocks"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    # New with every other content, so that whoever holds an older state reads just what changed since.
    generation: Mapped[int] = mapped_column(BigInteger)
    # Unix seconds of the first and the last play.
    first_at: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[int] = mapped_column(BigInteger)
    plays: Mapped[int]
    content: Mapped[bytes]


class HistoryTrackBlock(Table):
    """Some of the tracks that a listener's plays refer to by their place, packed for analyses."""

    __tablename__ = "history_track_blocks"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger)
    tracks: Mapped[int]
    identities: Mapped[bytes]
    features: Mapped[bytes]


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
            "time_range IN ('short_term', 'medium_term', 'long_term', 'week', 'month', 'year', 'all_time')",
            name="time_range_known",
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
    # Chosen by how much was listened lately; None stands for now.
    next_poll_at: Mapped[datetime | None]
