"""The catalogue is everybody's: what somebody is just storing is neither taken away nor waited for."""

import json
from uuid import UUID

import psycopg

from conftest import Servers
from full_life import a_full_life, every_row
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.forget import Forgotten, forget_plays, forget_snapshots
from spotify_insights.runtime import Runtime


def tracks(empty: Servers) -> set[str]:
    return {json.loads(row)["spotify_id"] for row in every_row(empty)["tracks"]}


def forget_all(runtime: Runtime, user_id: UUID) -> Forgotten:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return forget_plays(tx.session, user_id, batch=100) + forget_snapshots(tx.session, user_id, batch=100)


def test_a_track_that_somebody_is_storing_stays_for_them(runtime: Runtime, empty: Servers) -> None:
    life, other = a_full_life(empty), a_full_life(empty)
    own = life.values["own_track"]
    with psycopg.connect(empty.database_url) as storing:
        # As an ingestion does it: the row is taken although nothing about it changes, plays follow later.
        storing.execute(
            "INSERT INTO tracks (spotify_id, name, source) VALUES (%s, 'name', 'spotify_api')"
            " ON CONFLICT (spotify_id) DO UPDATE SET name = excluded.name WHERE false",
            [own],
        )
        forgotten = forget_all(runtime, life.user_id)
        storing.execute(
            "INSERT INTO plays (user_id, track_id, ended_at, source)"
            " SELECT %s, id, now(), 'spotify_api' FROM tracks WHERE spotify_id = %s",
            [other.user_id, own],
        )
    assert (forgotten.rows, forgotten.tracks) == (13, 1)
    assert own in tracks(empty)
    assert life.values["own_top_track"] not in tracks(empty)


def test_what_the_operator_entered_stays(runtime: Runtime, empty: Servers) -> None:
    life = a_full_life(empty)
    with psycopg.connect(empty.database_url) as connection:
        connection.execute("UPDATE tracks SET source = 'manual'")
    assert forget_all(runtime, life.user_id).tracks == 0
    assert life.values["own_track"] in tracks(empty)
    assert len(every_row(empty)["artists"]) == 3
