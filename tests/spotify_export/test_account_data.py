from datetime import UTC, datetime

import pytest

from export_files import (
    account_audiobook_row,
    account_podcast_row,
    account_row,
    batches,
    counted,
    json_file,
    music,
    spoken,
)
from spotify_insights.spotify_export.entry import MusicEntry, SpokenEntry


def test_music_is_known_by_names_and_to_the_minute() -> None:
    assert music(account_row(), name="StreamingHistory_music_0.json") == [
        MusicEntry(datetime(2026, 5, 1, 10, 5, tzinfo=UTC), 181_000, "Half Moon", "Anouk Fenmore")
    ]


def test_podcasts_and_audiobooks_are_kept_apart() -> None:
    assert spoken(account_podcast_row(), account_audiobook_row()) == [
        SpokenEntry(
            kind="podcast",
            ended_at=datetime(2026, 5, 1, 11, 0, tzinfo=UTC),
            ms_played=1_800_000,
            title="On Harbours",
            show_name="The Lantern Hour",
        ),
        SpokenEntry(
            kind="audiobook",
            ended_at=datetime(2026, 5, 1, 12, 0, tzinfo=UTC),
            ms_played=900_000,
            title="Chapter 3",
            show_name="The Long Tide",
        ),
    ]


def test_the_source_is_told_by_the_rows_and_not_by_the_name() -> None:
    (batch,) = batches(json_file([account_row()]), "Streaming_History_Video_1.json")
    assert (batch.source, batch.music[0].is_video) == ("spotify_account_data", False)


def test_what_has_no_names_is_unnamed() -> None:
    rows = [
        account_row(artistName="Unknown Artist", trackName="Unknown Track"),
        account_row(trackName=None),
        account_row(trackName=""),
        account_podcast_row(podcastName=None, episodeName=None),
    ]
    assert counted(*rows) == (0, 0, 4, 0)
    # Only both together are Spotify's words for nothing.
    assert counted(account_row(artistName="Unknown Artist")) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "row",
    [
        account_row(endTime="2026-05-01"),
        account_row(endTime="2026-05-01T10:05"),
        account_row(endTime="2026-05-01 10:05:00"),
        account_row(endTime="2026-13-01 10:05"),
        account_row(endTime="2005-12-31 23:59"),
        account_row(endTime="2026-11-23 12:01"),
        account_row(endTime=None),
        account_row(endTime=20260501),
        account_row(msPlayed=-1),
        account_row(msPlayed="1"),
        account_row(trackName="Half\0Moon"),
        {"endTime": "2026-05-01 10:05"},
        {},
        7,
    ],
)
def test_an_impossible_row_is_bad_and_its_neighbours_are_not(row: object) -> None:
    assert counted(account_row(), row, account_podcast_row()) == (1, 1, 0, 1)


def test_names_of_a_wrong_type_or_length() -> None:
    (entry,) = music(account_row(artistName=3, trackName="x" * 2000))
    assert (entry.artist_name, entry.track_name) == ("", "x" * 1000)
