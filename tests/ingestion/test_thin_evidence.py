"""Where too little is known about the music, a snapshot says so and shows no mood."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest

from ingestions import (
    a_listener,
    asked_features,
    count,
    ingested,
    rows,
    snapshot_rows,
    told,
    told_top_tracks,
)
from spotify_insights.database.role import DatabaseRole
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.config import Mode
from spotify_insights.pretend_spotify.faults import CannedAnswer
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings

TOP_TRACKS = "/v1/me/top/tracks"


@pytest.fixture
def development(settings: Settings, pretend_spotify: RunningPretendSpotify) -> Iterator[Runtime]:
    """The service as most installations run it: in Spotify's development mode."""
    pretend_spotify.control.change(mode=Mode.DEVELOPMENT)
    built = Runtime.from_settings(
        settings.model_copy(update={"spotify_mode": "development"}), role=DatabaseRole.WORKER
    )
    yield built
    built.close()


def test_features_of_the_least_played_tracks_are_no_mood(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_listener(runtime)
    ids = [track["id"] for track in told_top_tracks(pretend_spotify, TimeRange.SHORT_TERM)]
    pretend_spotify.control.change(tracks_without_features=ids[:-12])
    snapshot = ingested(runtime, user_id)
    # Twelve tracks would be enough, but they are the last twelve of fifty.
    assert (snapshot.coverage.tracks, snapshot.coverage.tracks_with_features) == (50, 12)
    assert 0 < snapshot.coverage.share < 0.4
    assert_no_mood(runtime, user_id, snapshot)


@pytest.mark.parametrize("tracks", [0, 9, 10])
def test_ten_tracks_are_the_least_that_show_a_mood(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, tracks: int
) -> None:
    user_id = a_listener(runtime)
    items = told_top_tracks(pretend_spotify, TimeRange.SHORT_TERM)[:tracks]
    pretend_spotify.control.queue(
        CannedAnswer(path=TOP_TRACKS, status=200, body=json.dumps({"items": items}))
    )
    snapshot = ingested(runtime, user_id)
    assert snapshot.coverage.tracks_with_features == tracks
    assert snapshot.coverage.share == (1.0 if tracks else 0.0)
    if tracks >= 10:
        assert snapshot.mood_patterns is not None
        assert snapshot.audio_features
    else:
        assert_no_mood(runtime, user_id, snapshot)


def test_development_mode_asks_for_no_features_and_says_that_none_are_known(
    development: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_listener(development)
    snapshot = ingested(development, user_id)
    assert asked_features(pretend_spotify) == []
    assert (snapshot.coverage.tracks, snapshot.coverage.tracks_with_features) == (50, 0)
    assert (snapshot.coverage.share, snapshot.coverage.providers) == (0.0, {})
    assert_no_mood(development, user_id, snapshot)
    # Not to have asked is no answer: another provider may be asked tomorrow.
    assert count(development.database, "track_features") == 0


def test_genres_that_development_mode_does_not_tell_stay_unknown(
    development: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    snapshot = ingested(development, a_listener(development))
    assert [artist.genres for artist in snapshot.top_artists] == [()] * len(snapshot.top_artists)
    assert count(development.database, "artists") == count(development.database, "artists", "genres IS NULL")

    pretend_spotify.control.change(mode=Mode.EXTENDED)
    artists = told(pretend_spotify, "me/top/artists?limit=50&time_range=short_term")["items"]
    ingested(development, a_listener(development))
    genres = {artist["id"]: artist["genres"] for artist in artists if artist["genres"]}
    known = "SELECT spotify_id, genres FROM artists WHERE genres IS NOT NULL"
    assert dict(rows(development.database, known)) == genres

    # What was told once is not forgotten when it is left out again.
    pretend_spotify.control.change(mode=Mode.DEVELOPMENT)
    ingested(development, a_listener(development))
    assert dict(rows(development.database, known)) == genres


def assert_no_mood(runtime: Runtime, user_id: UUID, snapshot: Snapshot) -> None:
    """Neither the snapshot nor its row shows anything that rests on features; the rest is there."""
    assert snapshot.audio_features == {}
    assert snapshot.mood_patterns is None
    assert (snapshot.mood_diversity_score, snapshot.effective_moods) == (None, None)
    assert snapshot.top_artists
    assert snapshot.rhythm is not None
    [row] = snapshot_rows(runtime.database, user_id)
    assert (row.audio_features, row.mood_patterns, row.mood_diversity_score) == ({}, None, None)
    assert row.coverage == snapshot.coverage.model_dump()
