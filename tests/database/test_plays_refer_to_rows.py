"""No play without its listener and its track: what foreign keys would promise, kept by triggers."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import FeatureNotSupported, ForeignKeyViolation

from conftest import Servers
from job_trials import somebody_waits_for_a_lock
from spotify_insights.database.database import Database

Connected = psycopg.Connection[tuple[Any, ...]]

_PLAY: Final = """
    INSERT INTO plays (user_id, track_id, ended_at, source)
    SELECT %s, track_id, now(), 'spotify_api' FROM unnest(%s::bigint[]) AS played (track_id)
"""
_NOBODYS_TRACK: Final = 987_654_321


@pytest.fixture
def connection(empty: Servers) -> Iterator[Connected]:
    with connected(empty) as connection:
        yield connection


@contextmanager
def connected(servers: Servers) -> Iterator[Connected]:
    """As the owner of the tables, whom no grant holds back."""
    with psycopg.connect(
        servers.database_url, options="-c app.actor_role=migration", autocommit=True
    ) as connection:
        yield connection


@contextmanager
def beside(servers: Servers, statement: str, *given: Any) -> Iterator[Future[Any]]:
    """Run the statement on another connection, where it waits for this one; the block ends the waiting."""
    with connected(servers) as other, ThreadPoolExecutor(1) as threads:
        running = threads.submit(other.execute, statement.encode(), given)
        assert somebody_waits_for_a_lock(Database(servers.database_url))
        yield running


def a_listener(connection: Connected) -> UUID:
    user_id = uuid4()
    connection.execute("INSERT INTO users (id) VALUES (%s)", [user_id])
    return user_id


def a_track(connection: Connected) -> int:
    made = connection.execute("INSERT INTO tracks (name, source) VALUES ('Song', 'manual') RETURNING id")
    return int(rows_of(made)[0][0])


def plays(connection: Connected) -> list[tuple[UUID, int]]:
    return rows_of(connection.execute("SELECT user_id, track_id FROM plays ORDER BY id"))


def rows_of(cursor: psycopg.Cursor[Any]) -> list[Any]:
    return cursor.fetchall()


def test_one_play_of_an_unknown_track_refuses_all_of_its_statement(connection: Connected) -> None:
    user_id, track_id = a_listener(connection), a_track(connection)

    with pytest.raises(ForeignKeyViolation, match="1 of the tracks"):
        connection.execute(_PLAY, [user_id, [track_id, _NOBODYS_TRACK]])
    assert plays(connection) == []


def test_a_play_of_nobody_is_refused(connection: Connected) -> None:
    with pytest.raises(ForeignKeyViolation, match="1 of the users"):
        connection.execute(_PLAY, [uuid4(), [a_track(connection)]])
    assert plays(connection) == []


def test_plays_go_with_their_listener_and_nobody_elses(connection: Connected) -> None:
    robin, kim, track_id = a_listener(connection), a_listener(connection), a_track(connection)
    for user_id in (robin, kim):
        connection.execute(_PLAY, [user_id, [track_id]])

    connection.execute("DELETE FROM users WHERE id = %s", [robin])
    assert plays(connection) == [(kim, track_id)]


def test_a_track_that_somebody_played_stays(connection: Connected) -> None:
    user_id, played, unplayed = a_listener(connection), a_track(connection), a_track(connection)
    connection.execute(_PLAY, [user_id, [played]])

    connection.execute("DELETE FROM tracks WHERE id = %s", [unplayed])
    with pytest.raises(ForeignKeyViolation, match=f"track {played}"):
        connection.execute("DELETE FROM tracks WHERE id = %s", [played])
    assert plays(connection) == [(user_id, played)]


def test_a_track_that_is_being_deleted_takes_no_play(connection: Connected, empty: Servers) -> None:
    user_id, track_id = a_listener(connection), a_track(connection)

    connection.execute("BEGIN")
    connection.execute("DELETE FROM tracks WHERE id = %s", [track_id])
    with beside(empty, _PLAY, user_id, [track_id]) as playing:
        connection.execute("COMMIT")
        with pytest.raises(ForeignKeyViolation):
            playing.result()
    assert plays(connection) == []


def test_a_track_that_is_just_being_played_is_not_deleted(connection: Connected, empty: Servers) -> None:
    user_id, track_id = a_listener(connection), a_track(connection)

    connection.execute("BEGIN")
    connection.execute(_PLAY, [user_id, [track_id]])
    with beside(empty, "DELETE FROM tracks WHERE id = %s", track_id) as deleting:
        connection.execute("COMMIT")
        with pytest.raises(ForeignKeyViolation):
            deleting.result()
    assert plays(connection) == [(user_id, track_id)]


def test_a_listener_who_is_being_deleted_gets_no_play(connection: Connected, empty: Servers) -> None:
    user_id, track_id = a_listener(connection), a_track(connection)

    connection.execute("BEGIN")
    connection.execute("DELETE FROM users WHERE id = %s", [user_id])
    with beside(empty, _PLAY, user_id, [track_id]) as playing:
        connection.execute("COMMIT")
        with pytest.raises(ForeignKeyViolation):
            playing.result()
    assert plays(connection) == []


def test_what_is_just_being_stored_goes_with_its_listener(connection: Connected, empty: Servers) -> None:
    user_id, track_id = a_listener(connection), a_track(connection)

    connection.execute("BEGIN")
    connection.execute(_PLAY, [user_id, [track_id]])
    with beside(empty, "DELETE FROM users WHERE id = %s", user_id) as deleting:
        connection.execute("COMMIT")
        deleting.result()
    assert plays(connection) == []


@pytest.mark.parametrize("deleted", ["users", "tracks"])
def test_who_could_not_see_plays_that_were_just_stored_deletes_nothing(
    connection: Connected, deleted: str
) -> None:
    user_id, track_id = a_listener(connection), a_track(connection)
    of_table = {"users": user_id, "tracks": track_id}

    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    with pytest.raises(FeatureNotSupported, match="READ COMMITTED"):
        connection.execute(f"DELETE FROM {deleted} WHERE id = %s".encode(), [of_table[deleted]])  # noqa: S608  # ours


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE plays SET track_id = track_id + 1",
        "UPDATE plays SET user_id = gen_random_uuid()",
        "UPDATE tracks SET id = id + 1",
        "UPDATE users SET id = gen_random_uuid()",
        "TRUNCATE tracks CASCADE",
        "TRUNCATE users CASCADE",
    ],
)
def test_what_plays_refer_to_stays_as_it_is(connection: Connected, statement: str) -> None:
    user_id, track_id = a_listener(connection), a_track(connection)
    connection.execute(_PLAY, [user_id, [track_id]])

    with pytest.raises(ForeignKeyViolation):
        connection.execute(statement.encode())
    assert plays(connection) == [(user_id, track_id)]


def test_a_check_that_was_planned_for_few_tracks_looks_up_many_one_by_one(connection: Connected) -> None:
    """The plan of a session's first check stays: it must not go through all tracks for each that is told."""
    user_id = a_listener(connection)
    connection.execute(_PLAY, [user_id, [a_track(connection)]])
    made = connection.execute(
        "INSERT INTO tracks (name, source) SELECT 'Song', 'manual' FROM generate_series(1, 1500) RETURNING id"
    )
    track_ids = [row[0] for row in rows_of(made)]

    before = rows_read_of_tracks(connection)
    connection.execute(_PLAY, [user_id, track_ids])
    assert rows_read_of_tracks(connection) - before <= 2 * len(track_ids)


def rows_read_of_tracks(connection: Connected) -> int:
    """How many rows of tracks statements have read so far, by scans of the table or its indexes."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    told = connection.execute(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'tracks'"
    )
    return int(rows_of(told)[0][0])
