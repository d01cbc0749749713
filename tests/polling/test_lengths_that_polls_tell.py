"""Exports know no track's length. What a poll tells of it is told of plays that were imported before, too."""

from sqlalchemy import text

from block_trials import add, after_noon, exported, packed, recording, told_by_spotify
from job_trials import enqueued
from jobs_inline import work_off
from makers import a_user
from spotify_insights.database.actor import SYSTEM, Actor
from spotify_insights.listening.blocks.jobs import RefreshHistories
from spotify_insights.listening.fetch import RecentPlays
from spotify_insights.listening.plays import PlayEntry
from spotify_insights.listening.store_fetched import store_fetched
from spotify_insights.runtime import Runtime

KNOWN = recording("known", "Tin Roof", "single", 190_000)
OTHER = recording("other", "Drizzle", "album")


def test_the_next_refresh_tells_it(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    add(runtime, user_id, exported(KNOWN, 0), exported(OTHER, 600), exported(KNOWN, 1200))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE packed_histories SET is_stale = false"))
    assert [play.duration_ms for play in packed(runtime, user_id)] == [-1, -1, -1]

    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        plays = (PlayEntry(KNOWN.spotify_id, after_noon(3600)),)
        store_fetched(tx.session, user_id, RecentPlays(tuple(told_by_spotify(KNOWN)), plays, told=1))
    enqueued(runtime.database, RefreshHistories())
    work_off(runtime)

    assert [play.duration_ms for play in packed(runtime, user_id)] == [190_000, -1, 190_000, 190_000]
