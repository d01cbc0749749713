"""Blocks in tests, play by play, and what they should say, worked out one row after the other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import RowMapping, text

from conftest import Servers
from import_trials import BatchFile, import_file
from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.listening.analytics.columns import PROVIDERS, HistoryColumns
from spotify_insights.listening.blocks.history import load_history
from spotify_insights.listening.blocks.refresh import refresh_blocks, refresh_tracks
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.features.changed import features_changed
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.entry import ExportBatch, ExportSource, MusicEntry

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARTIST: Final = ArtistEntry("somebody".ljust(22, "0"), "Somebody")
_TRACKS: Final = text("""
    SELECT p.ended_at, p.ms_played, p.superseded, t.id, t.spotify_id, t.name, t.duration_ms
      FROM plays p JOIN tracks t ON t.id = p.track_id WHERE p.user_id = :user_id
""")


@dataclass(frozen=True)
class Recording:
    """One track of a song."""

    spotify_id: str
    title: str
    album: str
    duration_ms: int | None = None


def recording(name: str, title: str, album: str, duration_ms: int | None = None) -> Recording:
    """A track whose id begins with that."""
    return Recording(name.ljust(22, "0"), title, album, duration_ms)


@dataclass(frozen=True, order=True)
class PackedPlay:
    """One play as the blocks tell it."""

    ended_at: int
    ms_played: int
    track_id: int
    duration_ms: int
    # Name, value and supplier of what is known.
    features: tuple[tuple[str, float, str], ...]
    artist: int = 0
    album: int = 0


def after_noon(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


# Of three songs, two have another track.
RECORDINGS = (
    recording("a", "Tin Roof", "single"),
    recording("b", "Drizzle", "album", 180_000),
    recording("c", "Slow Train", "album", 190_000),
    recording("d", "Tin Roof", "best of", 200_000),
    recording("e", "Drizzle", "best of", 210_000),
)


def exported(track: Recording, seconds: int, ms_played: int = 200_000) -> MusicEntry:
    return MusicEntry(
        ended_at=after_noon(seconds),
        ms_played=ms_played,
        track_name=track.title,
        artist_name=ARTIST.name,
        album_name=track.album,
        spotify_id=track.spotify_id,
    )


def as_account_data(entry: MusicEntry) -> MusicEntry:
    """The same play, by names and to the minute."""
    return MusicEntry(
        ended_at=entry.ended_at.replace(second=0),
        ms_played=entry.ms_played,
        track_name=entry.track_name,
        artist_name=entry.artist_name,
    )


def add(
    runtime: Runtime, user_id: UUID, *entries: MusicEntry, source: ExportSource = "spotify_export"
) -> UUID | None:
    batch = ExportBatch(source=source, file_name="a.json", music=entries)
    return import_file(runtime, user_id, BatchFile([batch])).import_id


def told_by_spotify(*tracks: Recording) -> list[TrackEntry]:
    return [
        TrackEntry(track.spotify_id, track.title, (ARTIST,), track.album, None, track.duration_ms, None, None)
        for track in tracks
    ]


def bring_up_to_date(runtime: Runtime, user_id: UUID) -> None:
    """As within the hour."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        refresh_tracks(tx.session, user_id)


def poll(
    runtime: Runtime, user_id: UUID, tracks: Iterable[TrackEntry], plays: Iterable[tuple[str, int]]
) -> dict[str, int]:
    """Spotify tells of these tracks, and of plays: id, seconds after noon. The keys of the tracks."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        artists = store_artists(tx.session, [ARTIST], source="spotify_api")
        keys = store_tracks(tx.session, tracks, artists, source="spotify_api")
        told = [PlayEntry(spotify_id, after_noon(seconds)) for spotify_id, seconds in plays]
        store_plays(tx.session, user_id, told, keys, source="spotify_api")
    return keys


def learn(runtime: Runtime, spotify_id: str, provider: str, features: Mapping[str, float]) -> None:
    """A provider tells how a track sounds; nothing happens where there is no such track."""
    names = ", ".join(features)
    values = ", ".join(f":{name}" for name in features)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tracks = tx.session.scalars(
            text(f"""
                INSERT INTO track_features (track_id, provider, found, {names})
                SELECT id, :provider, true, {values} FROM tracks WHERE spotify_id = :spotify_id
                    ON CONFLICT (track_id, provider) DO UPDATE SET ({names}) = ROW ({values})
             RETURNING track_id
            """),  # noqa: S608  # our own words
            {"provider": provider, "spotify_id": spotify_id, **features},
        ).all()
        features_changed(tx, tracks)


def packed(runtime: Runtime, user_id: UUID) -> list[PackedPlay]:
    """What the blocks say."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        history = load_history(tx.session, user_id)
    return [] if history is None else play_by_play(history)


def packed_anew(runtime: Runtime, user_id: UUID) -> list[PackedPlay]:
    """What they say after they were all made again."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        refresh_blocks(tx.session, user_id)
    return packed(runtime, user_id)


def bare(plays: Iterable[PackedPlay]) -> list[PackedPlay]:
    """Without what is the track's."""
    return [replace(play, artist=0, album=0) for play in plays]


def play_by_play(history: HistoryColumns) -> list[PackedPlay]:
    plays, tracks = history.plays, history.tracks
    columns = (plays.ended_at.tolist(), plays.ms_played.tolist(), plays.track.tolist())
    return sorted(
        PackedPlay(
            ended_at=ended_at,
            ms_played=ms_played,
            track_id=int(tracks.track_id[place]),
            duration_ms=int(tracks.duration_ms[place]),
            features=tuple(
                (name, value, PROVIDERS[supplier])
                for name, value, supplier in zip(
                    FEATURE_NAMES,
                    tracks.features[place].tolist(),
                    tracks.providers[place].tolist(),
                    strict=True,
                )
                if supplier >= 0
            ),
            artist=int(tracks.artist[place]),
            album=int(tracks.album[place]),
        )
        for ended_at, ms_played, place in zip(*columns, strict=True)
    )


def told_by_plays(runtime: Runtime, user_id: UUID) -> list[PackedPlay]:
    """What the blocks should say, without artists and albums: those are the track's.

    Each of a song's tracks that the listener has, be it by a play that a better source tells, too, adds what
    those before it leave open: first those with an id, each kind by its number.
    """
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        rows = tx.session.execute(_TRACKS, {"user_id": user_id}).all()
        known = {
            (row["track_id"], row["provider"]): row
            for row in tx.session.execute(text("SELECT * FROM track_features")).mappings()
        }
    songs: dict[str, list[Any]] = {}
    for row in sorted(rows, key=lambda row: (row.spotify_id is None, row.id)):
        songs.setdefault(row.name, []).append(row)
    return sorted(
        PackedPlay(
            ended_at=int(row.ended_at.timestamp()),
            ms_played=-1 if row.ms_played is None else row.ms_played,
            track_id=songs[row.name][0].id,
            duration_ms=next(
                (track.duration_ms for track in songs[row.name] if track.duration_ms is not None), -1
            ),
            features=tuple(_sound([track.id for track in songs[row.name]], known)),
        )
        for row in rows
        if not row.superseded
    )


def _sound(
    track_ids: Sequence[int], known: Mapping[tuple[int, str], RowMapping]
) -> Iterator[tuple[str, float, str]]:
    told = [
        (known[track_id, by], by) for track_id in track_ids for by in PROVIDERS if (track_id, by) in known
    ]
    for name in FEATURE_NAMES:
        values = ((row[name], by) for row, by in told if row[name] is not None)
        for value, by in islice(values, 1):
            yield name, value, by


def keys_of(servers: Servers, *tracks: Recording) -> list[int]:
    """By which number each of them is known."""
    with psycopg.connect(servers.database_url) as connection:
        keys: dict[str, int] = dict(connection.execute("SELECT spotify_id, id FROM tracks").fetchall())
    return [keys[track.spotify_id] for track in tracks]
