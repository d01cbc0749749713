"""Small privacy exports for tests: rows of every vintage, files and zips. Keys given replace usual ones."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from spotify_insights.spotify_export.archive import Export, open_export
from spotify_insights.spotify_export.entry import ExportBatch, MusicEntry, SpokenEntry

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
EXTENDED_FOLDER: Final = "Spotify Extended Streaming History"
ACCOUNT_FOLDER: Final = "Spotify Account Data"
AUDIO_NAME: Final = "Streaming_History_Audio_2025-2026_0.json"
TRACK_ID: Final = "6rqhFgbbKwnb9MLmUQDhG6"

Row = dict[str, Any]


def extended_row(**changes: object) -> Row:
    """A row of the extended history as of 2024: 23 keys in Spotify's order; music unless changed."""
    return {
        "ts": "2025-05-05T20:15:30Z",
        "platform": "ios",
        "ms_played": 181_000,
        "conn_country": "DE",
        "ip_addr": "203.0.113.77",
        "master_metadata_track_name": "Half Moon",
        "master_metadata_album_artist_name": "Anouk Fenmore",
        "master_metadata_album_album_name": "Low Tide",
        "spotify_track_uri": f"spotify:track:{TRACK_ID}",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "audiobook_title": None,
        "audiobook_uri": None,
        "audiobook_chapter_uri": None,
        "audiobook_chapter_title": None,
        "reason_start": "trackdone",
        "reason_end": "fwdbtn",
        "shuffle": False,
        "skipped": False,
        "offline": False,
        "offline_timestamp": 1_746_475_949,
        "incognito_mode": False,
    } | changes


def without_names(**changes: object) -> Row:
    """A row of the extended history that names no track."""
    return (
        extended_row(
            master_metadata_track_name=None,
            master_metadata_album_artist_name=None,
            master_metadata_album_album_name=None,
            spotify_track_uri=None,
        )
        | changes
    )


def podcast_row(**changes: object) -> Row:
    return (
        without_names(
            episode_name="On Harbours",
            episode_show_name="The Lantern Hour",
            spotify_episode_uri="spotify:episode:4rOoJ6Egrf8K2IrywzwOMk",
        )
        | changes
    )


def audiobook_row(**changes: object) -> Row:
    return (
        without_names(
            audiobook_title="The Long Tide",
            audiobook_uri="spotify:show:7iHfbu1YPACw6oZPAFJtqe",
            audiobook_chapter_uri="spotify:episode:0V5QjXKmVsLxM6JYNYlGKq",
            audiobook_chapter_title="Chapter 3",
        )
        | changes
    )


def endsong_row(**changes: object) -> Row:
    """A row of `endsong_*.json`, until 2022: other keys about the person, stamps in milliseconds."""
    row = extended_row(ts="2019-03-02T08:00:00Z", skipped=None, offline_timestamp=1_551_513_419_123)
    kept = {key: value for key, value in row.items() if not key.startswith(("audiobook_", "ip_addr"))}
    about_the_person = {
        "username": "secret-user-name",
        "ip_addr_decrypted": "203.0.113.78",
        "user_agent_decrypted": "secret user agent",
        "city": "secret city",
        "region": None,
    }
    return kept | about_the_person | changes


def account_row(**changes: object) -> Row:
    """A row of the account data's music."""
    return {
        "endTime": "2026-05-01 10:05",
        "artistName": "Anouk Fenmore",
        "trackName": "Half Moon",
        "msPlayed": 181_000,
    } | changes


def account_podcast_row(**changes: object) -> Row:
    return {
        "endTime": "2026-05-01 11:00",
        "podcastName": "The Lantern Hour",
        "episodeName": "On Harbours",
        "msPlayed": 1_800_000,
    } | changes


def account_audiobook_row(**changes: object) -> Row:
    return {
        "endTime": "2026-05-01 12:00",
        "audiobookName": "The Long Tide",
        "chapterName": "Chapter 3",
        "authorName": "Marit Holstad",
        "msPlayed": 900_000,
    } | changes


def json_file(rows: Sequence[object]) -> bytes:
    """As Spotify writes it: indented by two, not escaped."""
    return json.dumps(rows, indent=2, ensure_ascii=False).encode()


def zip_file(files: Mapping[str, bytes | Sequence[object]]) -> bytes:
    """A zip of files by their paths; rows become JSON."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content if isinstance(content, bytes) else json_file(content))
    return memory.getvalue()


def extended_zip(*files: Sequence[object]) -> bytes:
    """An extended export with one audio file for each list of rows."""
    return zip_file(
        {
            f"{EXTENDED_FOLDER}/Streaming_History_Audio_2016-2026_{number}.json": rows
            for number, rows in enumerate(files)
        }
        | {f"{EXTENDED_FOLDER}/ReadMeFirst_ExtendedStreamingHistory.pdf": b"%PDF-1.4"}
    )


def write_export(folder: Path, *files: Sequence[object]) -> Path:
    """`extended_zip` as a file named as Spotify names it."""
    path = folder / "my_spotify_data.zip"
    path.write_bytes(extended_zip(*files))
    return path


def opened(content: bytes, name: str = AUDIO_NAME) -> Export:
    return open_export(io.BytesIO(content), name)


def batches(content: bytes, name: str = AUDIO_NAME, *, now: datetime = NOW) -> list[ExportBatch]:
    return list(opened(content, name).batches(now=now))


def music(*rows: object, name: str = AUDIO_NAME) -> list[MusicEntry]:
    """The music of one JSON file with these rows."""
    return [entry for batch in batches(json_file(rows), name) for entry in batch.music]


def spoken(*rows: object, name: str = AUDIO_NAME) -> list[SpokenEntry]:
    """The podcasts and audiobooks of one JSON file with these rows."""
    return [entry for batch in batches(json_file(rows), name) for entry in batch.spoken]


def counted(*rows: object, name: str = AUDIO_NAME) -> tuple[int, int, int, int]:
    """Of one JSON file with these rows: music, spoken, unnamed and bad."""
    read = batches(json_file(rows), name)
    return (
        sum(len(batch.music) for batch in read),
        sum(len(batch.spoken) for batch in read),
        sum(batch.unnamed for batch in read),
        sum(batch.bad for batch in read),
    )
