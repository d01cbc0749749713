"""Exports and polls may overlap, repeat and come in any order: the plays that count are always the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from conftest import Servers
from import_trials import BatchFile, import_file, undo
from makers import a_user
from spotify_insights.database.actor import Actor
from spotify_insights.listening.blocks import refresh as refresh_module
from spotify_insights.listening.blocks.history import load_history
from spotify_insights.listening.blocks.refresh import refresh_blocks
from spotify_insights.listening.catalogue import ArtistEntry, TrackEntry, store_artists, store_tracks
from spotify_insights.listening.plays import PlayEntry, store_plays
from spotify_insights.runtime import Runtime
from spotify_insights.spotify_export.entry import ExportBatch, MusicEntry, SpokenEntry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SONGS = ("first", "second", "third")
EPISODE = "an episode"


@dataclass(frozen=True)
class Telling:
    """One thing that happens to a history: a file is imported, or a poll answered."""

    source: str
    # (song or EPISODE, seconds after noon, ms played); a poll tells no episodes.
    rows: tuple[tuple[str, int, int], ...]


def spotify_id(song: str) -> str:
    return song.ljust(22, "0")


def tell(runtime: Runtime, user_id: UUID, telling: Telling) -> UUID | None:
    if telling.source == "spotify_api":
        poll(runtime, user_id, telling.rows)
        return None
    entries = [
        MusicEntry(
            ended_at=moment(seconds, telling.source),
            ms_played=ms_played,
            track_name=song,
            artist_name="Somebody",
            spotify_id=spotify_id(song) if telling.source == "spotify_export" else None,
        )
        for song, seconds, ms_played in telling.rows
        if song != EPISODE
    ]
    episodes = [
        SpokenEntry(
            kind="podcast",
            ended_at=moment(seconds, telling.source),
            ms_played=ms_played,
            title=EPISODE,
            show_name="A show",
        )
        for title, seconds, ms_played in telling.rows
        if title == EPISODE
    ]
    batch = ExportBatch(
        source=telling.source,  # type: ignore[arg-type]
        file_name="a.json",
        music=entries,
        spoken=episodes,
    )
    return import_file(runtime, user_id, BatchFile([batch])).import_id


def poll(runtime: Runtime, user_id: UUID, rows: Iterable[tuple[str, int, int]]) -> None:
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        artists = store_artists(tx.session, [ArtistEntry("artist", "Somebody")], source="spotify_api")
        tracks = [
            TrackEntry(
                spotify_id(song), song, (ArtistEntry("artist", "Somebody"),), None, None, None, None, None
            )
            for song in SONGS
        ]
        keys = store_tracks(tx.session, tracks, artists, source="spotify_api")
        plays = [PlayEntry(spotify_id(song), moment(seconds)) for song, seconds, _ in rows if song != EPISODE]
        store_plays(tx.session, user_id, plays, keys, source="spotify_api")


def moment(seconds: int, source: str = "") -> datetime:
    at = NOON + timedelta(seconds=seconds)
    return at.replace(second=0) if source == "spotify_account_data" else at


def counting(servers: Servers, user_id: UUID) -> list[tuple[Any, ...]]:
    """What counts, as a listener would name it."""
    with psycopg.connect(servers.database_url) as connection:
        return connection.execute(
            "SELECT t.name, p.ended_at, p.ms_played, p.source FROM plays p JOIN tracks t ON t.id = p.track_id"
            " WHERE p.user_id = %s AND NOT p.superseded ORDER BY 2, 1, 3, 4",
            [user_id],
        ).fetchall()


def counting_episodes(servers: Servers, user_id: UUID) -> list[tuple[Any, ...]]:
    with psycopg.connect(servers.database_url) as connection:
        return connection.execute(
            "SELECT title, ended_at, ms_played, source FROM spoken_plays"
            " WHERE user_id = %s AND NOT superseded ORDER BY 2, 3, 4",
            [user_id],
        ).fetchall()


def packed(runtime: Runtime, user_id: UUID) -> list[tuple[int, str, int]]:
    """What the blocks say: moment, song and length of each play."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        history = load_history(tx.session, user_id)
        if history is None:
            return []
        names = {row.id: row.name for row in tx.session.execute(text("SELECT id, name FROM tracks"))}
        songs = history.tracks.track_id[history.plays.track].tolist()
        plays = zip(history.plays.ended_at.tolist(), songs, history.plays.ms_played.tolist(), strict=True)
        return sorted((ended_at, names[song], ms_played) for ended_at, song, ms_played in plays)


def packed_anew(runtime: Runtime, user_id: UUID) -> list[tuple[int, str, int]]:
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        refresh_blocks(tx.session, user_id)
    return packed(runtime, user_id)


def plays_of(servers: Servers, user_id: UUID) -> list[tuple[int, str, int]]:
    rows = counting(servers, user_id)
    return sorted((int(at.timestamp()), name, -1 if ms is None else ms) for name, at, ms, _ in rows)


ROWS = st.lists(
    st.tuples(st.sampled_from([*SONGS, EPISODE]), st.integers(0, 900), st.sampled_from([0, 31_000, 200_000])),
    max_size=5,
).map(tuple)
TELLINGS = st.lists(
    st.builds(Telling, st.sampled_from(["spotify_export", "spotify_account_data", "spotify_api"]), ROWS),
    min_size=1,
    max_size=4,
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few plays need several."""
    monkeypatch.setattr(refresh_module, "PLAYS_PER_BLOCK", 2)


@pytest.mark.usefixtures("small_blocks")
@given(st.data(), TELLINGS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_order_repetition_and_undone_imports_change_nothing(
    empty: Servers, runtime: Runtime, data: st.DataObject, tellings: Sequence[Telling]
) -> None:
    in_order, shuffled = a_user(runtime), a_user(runtime)
    for telling in tellings:
        tell(runtime, in_order, telling)
    repeated = data.draw(
        st.permutations([*tellings, *data.draw(st.lists(st.sampled_from(tellings), max_size=2))])
    )
    foreign = data.draw(TELLINGS)
    undone = [tell(runtime, shuffled, telling) for telling in foreign if telling.source != "spotify_api"]
    for number, telling in enumerate(repeated):
        tell(runtime, shuffled, telling)
        if number < len(undone):
            undo(runtime, shuffled, undone[number])
    for import_id in undone[len(repeated) :]:
        undo(runtime, shuffled, import_id)

    assert counting(empty, shuffled) == counting(empty, in_order)
    assert counting_episodes(empty, shuffled) == counting_episodes(empty, in_order)
    assert packed(runtime, shuffled) == packed_anew(runtime, shuffled) == plays_of(empty, shuffled)


@pytest.mark.usefixtures("small_blocks")
def test_a_play_that_lies_between_two_blocks_is_packed(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    tell(
        runtime, user_id, Telling("spotify_export", (("first", 0, 0), ("first", 0, 31_000), ("first", 2, 0)))
    )
    tell(runtime, user_id, Telling("spotify_export", (("first", 1, 0),)))

    assert packed(runtime, user_id) == plays_of(empty, user_id)


def test_what_every_source_tells_is_one_play(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    row = ("first", 330, 200_000)
    for source in ("spotify_api", "spotify_account_data", "spotify_export"):
        tell(runtime, user_id, Telling(source, (row,)))

    assert [(name, ms, source) for name, _, ms, source in counting(empty, user_id)] == [
        ("first", 200_000, "spotify_export")
    ]


@pytest.mark.parametrize("first", ["spotify_api", "spotify_export"])
def test_a_song_played_twice_in_a_row_stays_two_plays(runtime: Runtime, empty: Servers, first: str) -> None:
    user_id = a_user(runtime)
    exported = Telling("spotify_export", (("first", 100, 60_000), ("first", 160, 60_000)))
    polled = Telling("spotify_api", (("first", 102, 0), ("first", 161, 0), ("first", 700, 0)))
    for telling in (exported, polled) if first == "spotify_export" else (polled, exported):
        tell(runtime, user_id, telling)

    assert [source for *_, source in counting(empty, user_id)] == [
        "spotify_export",
        "spotify_export",
        "spotify_api",
    ]


def test_plays_of_the_same_second_are_kept(runtime: Runtime, empty: Servers) -> None:
    user_id = a_user(runtime)
    tell(
        runtime,
        user_id,
        Telling("spotify_export", (("first", 9, 1000), ("first", 9, 2000), ("second", 9, 1000))),
    )

    assert len(counting(empty, user_id)) == 3
