"""What is not known is said: a history with 40 % unknown tracks shows 60 % coverage and no invented sound."""

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from feature_trials import in_catalogue, store
from history_trials import view
from job_trials import enqueued
from jobs_inline import work_off
from makers import a_user
from reccobeats_trials import known_ids
from spotify_insights.audio_features.catalogue_file import read_catalogue
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.blocks.jobs import RefreshHistories
from spotify_insights.listening.calendar_period import calendar_period
from spotify_insights.listening.features.jobs import FillFeatures
from spotify_insights.listening.features.load_catalogue import load_catalogue, unload_catalogue
from spotify_insights.listening.load_heard import load_heard
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.take_calendar_snapshot import take_calendar_snapshot
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.listening.week import Week
from spotify_insights.pretend_spotify.catalogue import catalogue_of
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime

WEEK = Week(date(2026, 11, 21))
TRACKS = 50


@pytest.fixture
def ids() -> list[str]:
    return known_ids(TRACKS)


@pytest.fixture
def user_id(runtime: Runtime, pretend_spotify: RunningPretendSpotify, ids: list[str]) -> UUID:
    """Somebody who played each of 50 tracks four times in a week; nobody knows the last twenty."""
    pretend_spotify.control.change(tracks_without_features=ids[30:])
    keys = store(runtime.database, ids)
    listener = a_user(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        for place, each in enumerate(ids):
            for again in range(4):
                ended_at = datetime(2026, 11, 16, 8, tzinfo=UTC) + timedelta(hours=place, minutes=10 * again)
                tx.session.execute(
                    text("""
                        INSERT INTO plays (user_id, track_id, ended_at, ms_played, source)
                        VALUES (:user_id, :track_id, :ended_at, 180000, 'spotify_export')
                    """),
                    {"user_id": listener, "track_id": keys[each], "ended_at": ended_at},
                )
    enqueued(runtime.database, FillFeatures())
    work_off(runtime)
    return listener


def snapshot_of(runtime: Runtime, user_id: UUID) -> Snapshot:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        heard = load_heard(tx.session, user_id, default_rule=PlayRule.SPOTIFY)
    period = calendar_period(CalendarRange.WEEK, WEEK.ends_on, timezone="UTC")
    return take_calendar_snapshot(heard, period, CalendarRange.WEEK)


def test_forty_percent_unknown_are_sixty_percent_covered_and_nothing_is_invented(
    runtime: Runtime, user_id: UUID, ids: list[str]
) -> None:
    snapshot = snapshot_of(runtime, user_id)

    assert (snapshot.coverage.tracks, snapshot.coverage.tracks_with_features) == (50, 30)
    assert snapshot.coverage.share == 0.6
    assert snapshot.coverage.providers == {"reccobeats": 1.0}
    tracks = catalogue_of(1).tracks
    told = [tracks[each].features for each in ids[:30]]
    for name in ("valence", "energy", "acousticness", "loudness"):
        mean = math.fsum(getattr(features, name) for features in told) / 30
        assert snapshot.audio_features[name].n == 30
        assert snapshot.audio_features[name].mean == pytest.approx(mean, abs=1e-6)


def test_a_catalogue_raises_the_coverage_and_both_suppliers_are_told(
    runtime: Runtime, user_id: UUID, ids: list[str]
) -> None:
    # Ten of the unknown tracks whole, and of ten known ones the valence alone.
    whole = {each: {"valence": 0.25, "energy": 0.5} for each in ids[30:40]}
    in_catalogue(runtime.database, {**whole, **{each: {"valence": 0.75} for each in ids[:10]}})

    snapshot = snapshot_of(runtime, user_id)

    assert snapshot.coverage.share == 0.8
    # In tracks: the catalogue counts ten whole and ten halves of forty, ReccoBeats twenty and ten halves.
    assert snapshot.coverage.providers == {"catalogue": 0.375, "reccobeats": 0.625}
    tracks = catalogue_of(1).tracks
    valences = [0.75] * 10 + [tracks[each].features.valence for each in ids[10:30]] + [0.25] * 10
    assert snapshot.audio_features["valence"].mean == pytest.approx(math.fsum(valences) / 40, abs=1e-6)
    assert snapshot.audio_features["acousticness"].n == 30


def test_a_catalogue_comes_and_goes_and_no_change_of_mood_is_told(
    client: TestClient,
    runtime: Runtime,
    pretend_spotify: RunningPretendSpotify,
    ids: list[str],
    tmp_path: Path,
) -> None:
    """As views of the API tell it, to somebody who plays the same fifty tracks every day."""
    pretend_spotify.control.change(tracks_without_features=ids[30:])
    store(runtime.database, ids)
    listener = a_user(runtime)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text("""
                INSERT INTO plays (user_id, track_id, ended_at, ms_played, source)
                SELECT :user_id, t.id, clock_timestamp() - make_interval(days => day, secs => t.id % 50 + 1),
                       180000, 'spotify_export'
                  FROM tracks t, generate_series(0, 59) AS day
            """),
            {"user_id": listener},
        )

    def told() -> tuple[float, bool, bool]:
        """Coverage, and whether anything stands out against the four weeks before, or as a trend."""
        work_off(runtime)
        enqueued(runtime.database, RefreshHistories())
        work_off(runtime)
        compared = view(client, "compare", listener, period="short_term")
        assert compared["basis"] == "all_known"
        return (
            view(client, "moods", listener, period="short_term")["coverage"]["share"],
            any(feature["stands_out"] for feature in compared["features"]),
            any(feature["called"] for feature in view(client, "trends", listener)["features"]),
        )

    enqueued(runtime.database, FillFeatures())
    assert told() == (0.6, False, False)

    # Far from how the known ones sound.
    file = tmp_path / "gloom.csv"
    file.write_text("\n".join(["track_id,valence,energy", *(f"{each},0.05,0.05" for each in ids[30:])]))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        load_catalogue(tx, "gloom", read_catalogue(file), told=lambda *_: None)
    assert told() == (1.0, False, False)

    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        unload_catalogue(tx, "gloom")
    assert told() == (0.6, False, False)
