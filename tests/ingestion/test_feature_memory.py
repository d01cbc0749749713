"""Audio features are asked for once: what is known stays known, what is unknown is left alone for a month."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from ingestions import a_listener, asked_features, count, ingested, told_top_tracks
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime

SHORT, MEDIUM = TimeRange.SHORT_TERM, TimeRange.MEDIUM_TERM


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_listener(runtime)


@pytest.fixture
def short_ids(pretend_spotify: RunningPretendSpotify) -> list[str]:
    return [track["id"] for track in told_top_tracks(pretend_spotify, SHORT)]


def test_known_features_are_not_asked_for_again(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, short_ids: list[str]
) -> None:
    medium_ids = [track["id"] for track in told_top_tracks(pretend_spotify, MEDIUM)]
    new = [track_id for track_id in medium_ids if track_id not in short_ids]
    assert 0 < len(new) < 50
    ingested(runtime, user_id, SHORT)
    snapshot = ingested(runtime, user_id, MEDIUM)
    assert asked_features(pretend_spotify) == [short_ids, new]
    assert snapshot.coverage.share == 1.0

    # However old they are, and whoever listens.
    age_answers(runtime, timedelta(days=400))
    ingested(runtime, user_id, SHORT)
    ingested(runtime, a_listener(runtime), MEDIUM)
    assert len(asked_features(pretend_spotify)) == 2


def test_what_spotify_did_not_know_is_asked_again_after_a_month_and_not_before(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, user_id: UUID, short_ids: list[str]
) -> None:
    unknown = short_ids[3::7]
    pretend_spotify.control.change(tracks_without_features=unknown)
    snapshot = ingested(runtime, user_id)
    assert snapshot.coverage.tracks_with_features == 50 - len(unknown)
    assert count(runtime.database, "track_features", "NOT found") == len(unknown)

    age_answers(runtime, timedelta(days=30) - timedelta(minutes=1))
    ingested(runtime, user_id)
    assert asked_features(pretend_spotify) == [short_ids]

    age_answers(runtime, timedelta(minutes=1))
    ingested(runtime, user_id)
    assert asked_features(pretend_spotify) == [short_ids, unknown]
    # Asked in vain once more: the month begins anew.
    ingested(runtime, user_id)
    assert asked_features(pretend_spotify) == [short_ids, unknown]

    age_answers(runtime, timedelta(days=31))
    pretend_spotify.control.change(tracks_without_features=[])
    snapshot = ingested(runtime, user_id)
    assert asked_features(pretend_spotify) == [short_ids, unknown, unknown]
    assert snapshot.coverage.share == 1.0
    assert count(runtime.database, "track_features", "NOT found") == 0


def age_answers(runtime: Runtime, by: timedelta) -> None:
    """Let all that was ever answered lie so much further back."""
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE track_features SET fetched_at = fetched_at - :by"), {"by": by})
