"""One play is stored once, whoever reports it; two plays stay two."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from ingestions import a_listener, count, ingest, ingested, rows
from makers import a_user
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.catalogue import TrackEntry, store_tracks
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.runtime import Runtime

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
API, EXPORT = "spotify_api", "spotify_export"


@pytest.fixture
def user_id(runtime: Runtime) -> UUID:
    return a_user(runtime)


@pytest.mark.parametrize(
    ("seconds", "new"), [(-161, 1), (-160, 0), (-1, 0), (0, 0), (1, 0), (120, 0), (121, 1), (3600, 1)]
)
def test_a_play_that_the_export_tells_within_two_minutes_of_its_beginning_or_end_is_the_same(
    runtime: Runtime, user_id: UUID, seconds: int, new: int
) -> None:
    assert store(runtime, user_id, EXPORT, play(ms_played=40_000)) == 1
    assert store(runtime, user_id, API, play(seconds)) == new
    assert rows(runtime.database, "SELECT count(*) FROM plays WHERE NOT superseded") == [(1 + new,)]


def test_what_the_export_tells_later_is_the_same_play_with_its_length(
    runtime: Runtime, user_id: UUID
) -> None:
    assert store(runtime, user_id, API, play(3)) == 1
    assert store(runtime, user_id, EXPORT, play(ms_played=40_000)) == 1
    assert rows(runtime.database, "SELECT ms_played FROM plays WHERE NOT superseded") == [(40_000,)]


def test_another_track_another_listener_and_the_same_source_are_other_plays(
    runtime: Runtime, user_id: UUID
) -> None:
    store(runtime, user_id, EXPORT, play())
    assert store(runtime, user_id, API, play(1, track="other")) == 1
    assert store(runtime, a_user(runtime), API, play(1)) == 1
    assert store(runtime, user_id, EXPORT, play(1)) == 1


def test_two_close_plays_of_one_source_are_two(runtime: Runtime, user_id: UUID) -> None:
    """A short track heard twice in a row, told in one answer and told in two."""
    assert store(runtime, user_id, API, play(0), play(30)) == 2
    assert store(runtime, user_id, API, play(0), play(30), play(60)) == 1
    assert count(runtime.database, "plays") == 3


def test_the_same_moment_with_another_length_is_another_play(runtime: Runtime, user_id: UUID) -> None:
    """An export dates plays to the second: two skips may share one."""
    assert (
        store(runtime, user_id, EXPORT, play(ms_played=900), play(ms_played=1200), play(ms_played=None)) == 3
    )
    assert store(runtime, user_id, EXPORT, play(ms_played=1200), play(ms_played=None)) == 0


def test_a_play_told_twice_in_one_answer_is_one(runtime: Runtime, user_id: UUID) -> None:
    assert store(runtime, user_id, API, play(), play()) == 1


def test_a_play_of_a_track_that_was_not_stored_is_left_out(runtime: Runtime, user_id: UUID) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        assert store_plays(tx.session, user_id, [play()], {}, source=API) == 0


def test_an_ingestion_adds_only_what_the_export_did_not_have(runtime: Runtime) -> None:
    """Every second play comes from an export that ends a little later or earlier than Spotify's own list."""
    ingested(runtime, a_listener(runtime))
    user_id = a_listener(runtime)
    heard = rows(runtime.database, "SELECT track_id, ended_at FROM plays ORDER BY ended_at")
    exported = [
        (track_id, ended_at + timedelta(seconds=offset))
        for (track_id, ended_at), offset in zip(heard[::2], 5 * [-119, -3, 0, 2, 118], strict=True)
    ]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(
            text(
                "INSERT INTO plays (user_id, track_id, ended_at, ms_played, source)"
                " VALUES (:user_id, :track_id, :ended_at, 180000, 'spotify_export')"
            ),
            [
                {"user_id": user_id, "track_id": track_id, "ended_at": ended_at}
                for track_id, ended_at in exported
            ],
        )
    job = ingest(runtime, user_id)
    assert job.result is not None
    assert job.result["new_plays"] == len(heard) - len(exported)
    stored = rows(
        runtime.database,
        "SELECT track_id, ended_at FROM plays WHERE user_id = :user_id AND NOT superseded ORDER BY ended_at",
        user_id=user_id,
    )
    assert stored == sorted([*exported, *heard[1::2]], key=lambda row: row[1])


def play(seconds: float = 0, *, track: str = "track", ms_played: int | None = None) -> PlayEntry:
    """One that ended so many seconds after noon."""
    ended_at = NOON + timedelta(seconds=seconds)
    return PlayEntry(track_spotify_id=track, ended_at=ended_at, ms_played=ms_played)


def store(runtime: Runtime, user_id: UUID, source: str, *plays: PlayEntry) -> int:
    """Store plays and the tracks they name; how many of the plays are new."""
    tracks = [
        TrackEntry(
            spotify_id=track,
            name=track,
            artists=(),
            album_name=None,
            album_spotify_id=None,
            duration_ms=None,
            explicit=None,
            isrc=None,
        )
        for track in {entry.track_spotify_id for entry in plays}
    ]
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        keys = store_tracks(tx.session, tracks, {}, source=source)
        return store_plays(tx.session, user_id, plays, keys, source=source)
