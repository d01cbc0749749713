"""From Spotify's answers to rows: everything once, however often it is fetched."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from ingestions import (
    a_listener,
    calls,
    count,
    ingest,
    ingested,
    rows,
    snapshot_rows,
    stop_the_clock,
    told,
    told_top_tracks,
)
from jobs_inline import job_row, work_off
from makers import a_user
from passing_time import let_delays_pass
from spotify_insights.clock import now
from spotify_insights.database.actor import SYSTEM
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.jobs import IngestAllUsersData
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.faults import CannedAnswer
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_listener(runtime)


def test_all_that_spotify_tells_is_stored_once(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    snapshot = ingested(runtime, user_id)
    top_tracks = told_top_tracks(pretend_spotify, TimeRange.SHORT_TERM)
    top_artists = told(pretend_spotify, "me/top/artists?limit=50&time_range=short_term")["items"]
    plays = told(pretend_spotify, "me/player/recently-played?limit=50")["items"]
    tracks = {track["id"]: track for track in [*top_tracks, *(play["track"] for play in plays)]}
    assert len(tracks) > 50

    assert [track.spotify_id for track in snapshot.top_tracks] == [track["id"] for track in top_tracks]
    assert [artist.spotify_id for artist in snapshot.top_artists] == [artist["id"] for artist in top_artists]

    assert set(rows(runtime.database, TRACKS)) == {
        (
            track["id"],
            track["name"],
            track["album"]["name"],
            track["album"]["id"],
            track["duration_ms"],
            track["explicit"],
            track["external_ids"]["isrc"],
            "spotify_api",
        )
        for track in tracks.values()
    }
    assert set(rows(runtime.database, CREDITS)) == {
        (track["id"], position, artist["id"])
        for track in tracks.values()
        for position, artist in enumerate(track["artists"])
    }
    genres = {artist["id"]: artist["genres"] for artist in top_artists}
    named = {artist["id"]: artist["name"] for track in tracks.values() for artist in track["artists"]}
    named |= {artist["id"]: artist["name"] for artist in top_artists}
    assert sorted(rows(runtime.database, "SELECT spotify_id, name, genres FROM artists")) == sorted(
        (artist_id, name, genres.get(artist_id) or None) for artist_id, name in named.items()
    )
    assert set(rows(runtime.database, PLAYS)) == {
        (user_id, play["track"]["id"], datetime.fromisoformat(play["played_at"]), None, "spotify_api")
        for play in plays
    }


def test_features_are_stored_as_they_were_told(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    snapshot = ingested(runtime, user_id)
    ids = [track.spotify_id for track in snapshot.top_tracks]
    features = told(pretend_spotify, f"audio-features?ids={','.join(ids)}")["audio_features"]
    assert set(
        rows(
            runtime.database,
            "SELECT t.spotify_id, f.provider, f.found, f.valence, f.energy, f.tempo, f.loudness"
            "  FROM track_features f JOIN tracks t ON t.id = f.track_id",
        )
    ) == {
        (
            told_of["id"],
            "spotify",
            True,
            *(told_of[name] for name in ("valence", "energy", "tempo", "loudness")),
        )
        for told_of in features
    }
    assert (snapshot.coverage.tracks_with_features, snapshot.coverage.share) == (50, 1.0)
    assert snapshot.coverage.providers == {"spotify": 1.0}


def test_a_second_run_on_one_day_updates_the_snapshot_and_adds_nothing(
    runtime: Runtime, user_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clock(monkeypatch, now())
    tables = ("tracks", "artists", "track_artists", "track_features", "plays")
    first = ingest(runtime, user_id)
    [before] = snapshot_rows(runtime.database, user_id)
    stored = {table: count(runtime.database, table) for table in tables}
    second = ingest(runtime, user_id)

    [after] = snapshot_rows(runtime.database, user_id)
    assert first.result is not None
    assert second.result == {"snapshot_id": str(before.id), "new_plays": 0}
    assert first.result["snapshot_id"] == str(before.id)
    assert first.result["new_plays"] == stored["plays"]
    assert (after.id, after.content_hash) == (before.id, before.content_hash)
    assert after.computed_at > before.computed_at
    assert stored == {table: count(runtime.database, table) for table in tables}


def test_the_next_local_day_has_a_snapshot_of_its_own(
    runtime: Runtime, user_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    for moment in (evening, evening + timedelta(minutes=29), evening + timedelta(minutes=31)):
        stop_the_clock(monkeypatch, moment)
        ingested(runtime, user_id)
    assert days(runtime, user_id) == [date(2026, 11, 22), date(2026, 11, 23)]


@pytest.mark.parametrize(
    ("timezone", "day"),
    [
        ("Pacific/Kiritimati", date(2026, 11, 23)),
        ("UTC", date(2026, 11, 22)),
        ("Pacific/Pago_Pago", date(2026, 11, 21)),
    ],
)
def test_the_day_is_the_one_on_the_listeners_calendar(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, timezone: str, day: date
) -> None:
    """At 10:30 in London it is past midnight on Kiritimati (UTC+14) and not yet on Tutuila (UTC-11)."""
    stop_the_clock(monkeypatch, datetime(2026, 11, 22, 10, 30, tzinfo=UTC))
    user_id = a_listener(runtime, timezone=timezone)
    snapshot = ingested(runtime, user_id)
    assert (snapshot.snapshot_date, snapshot.timezone) == (day, timezone)
    assert days(runtime, user_id) == [day]


def test_hours_are_those_of_the_listeners_clock(runtime: Runtime, user_id: UUID) -> None:
    here = ingested(runtime, user_id).rhythm
    far_away = a_listener(runtime, timezone="Pacific/Kiritimati")
    there = ingested(runtime, far_away).rhythm
    assert here is not None
    assert there is not None
    assert there.hours == here.hours[-14:] + here.hours[:-14]


def test_each_range_has_its_own_snapshot_of_the_same_day(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    tops = {time_range: ingested(runtime, user_id, time_range).top_tracks for time_range in TimeRange}
    assert len(set(tops.values())) == 3
    assert [row.time_range for row in snapshot_rows(runtime.database, user_id)] == sorted(TimeRange)
    for time_range, top_tracks in tops.items():
        listed = told_top_tracks(pretend_spotify, time_range)
        assert [track.spotify_id for track in top_tracks] == [track["id"] for track in listed]


def test_only_plays_inside_the_range_shape_its_rhythm(
    runtime: Runtime, user_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingested(runtime, user_id)
    moments = sorted(row[0] for row in rows(runtime.database, "SELECT ended_at FROM plays"))
    # Four weeks after one of the plays, that one and those before it have left the window.
    stop_the_clock(monkeypatch, moments[19] + timedelta(days=28))
    rhythm = ingested(runtime, user_id).rhythm
    assert rhythm is not None
    assert (rhythm.plays, rhythm.first_play_at) == (
        len(moments) - 20,
        moments[20].replace(microsecond=0),
    )
    stop_the_clock(monkeypatch, moments[-1] + timedelta(days=28))
    assert ingested(runtime, user_id).rhythm is None


def test_every_night_each_connected_listener_is_ingested_for_all_ranges_by_one_job(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    other = a_listener(runtime)
    a_user(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        parent_id = enqueue(tx, IngestAllUsersData())
    done = {*work_off(runtime)}
    let_delays_pass(runtime.database)
    done |= {*work_off(runtime)}
    children = [job_row(runtime.database, job_id) for job_id in done - {parent_id}]

    assert job_row(runtime.database, parent_id).result == {"listeners": 2}
    assert {(child.status, child.parent_id) for child in children} == {("succeeded", parent_id)}
    assert sorted(child.owner_id or UUID(int=0) for child in children) == sorted([user_id, other])
    for listener in (user_id, other):
        assert [row.time_range for row in snapshot_rows(runtime.database, listener)] == sorted(TimeRange)
    assert calls(pretend_spotify, "GET /v1/me/player/recently-played") == 2


def test_a_name_with_a_character_that_no_database_takes_does_not_stop_an_ingestion(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID
) -> None:
    items = told_top_tracks(pretend_spotify, TimeRange.SHORT_TERM)
    items[0] |= {"name": "Nul\x00l und nichtig", "album": items[0]["album"] | {"name": "\x00"}}
    items[0]["artists"][0]["name"] = "The N\x00ls"
    pretend_spotify.control.queue(
        CannedAnswer(path="/v1/me/top/tracks", status=200, body=json.dumps({"items": items}))
    )
    snapshot = ingested(runtime, user_id)
    assert snapshot.top_tracks[0].name == "Null und nichtig"
    assert snapshot.top_tracks[0].artists[0] == "The Nls"


TRACKS = """
    SELECT spotify_id, name, album_name, album_spotify_id, duration_ms, explicit, isrc, source FROM tracks
"""
FEATURES = """
    SELECT t.spotify_id, f.provider, f.found, f.valence, f.energy, f.tempo, f.loudness
      FROM track_features f JOIN tracks t ON t.id = f.track_id
"""
CREDITS = """
    SELECT t.spotify_id, c.position, a.spotify_id
      FROM track_artists c JOIN tracks t ON t.id = c.track_id JOIN artists a ON a.id = c.artist_id
"""
PLAYS = """
    SELECT p.user_id, t.spotify_id, p.ended_at, p.ms_played, p.source
      FROM plays p JOIN tracks t ON t.id = p.track_id
"""


def days(runtime: Runtime, user_id: UUID) -> list[date]:
    return [row.snapshot_date for row in snapshot_rows(runtime.database, user_id)]
